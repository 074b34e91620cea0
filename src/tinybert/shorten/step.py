"""The step: later layers that compute fewer positions."""

from transformers import PreTrainedModel

from tinybert.context import Context
from tinybert.errors import InputError
from tinybert.first_position import reads_first_position
from tinybert.selection import select_in
from tinybert.shapes import note_shape
from tinybert.shorten.config import ShortenConfig


def shorten(config: ShortenConfig, model: PreTrainedModel, context: Context) -> PreTrainedModel:
    """Changes `model` in place, and returns it; see `select_in`.

    Raises:
        InputError: Its head may read other positions than the first.
    """
    if not reads_first_position(model):
        raise InputError(
            f"shorten: the head of a {type(model).__name__} may read what would be left out; leave "
            "this step out"
        )
    select_in(model, config.layer, config.positions)
    note_shape(model)
    return model
