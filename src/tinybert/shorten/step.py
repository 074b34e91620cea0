"""The step: later layers that compute fewer positions."""

from transformers import PreTrainedModel

from tinybert.context import Context
from tinybert.errors import InputError
from tinybert.first_position import reads_first_position
from tinybert.merging import merge_after
from tinybert.shapes import note_shape
from tinybert.shorten.config import ShortenConfig


def shorten(config: ShortenConfig, model: PreTrainedModel, context: Context) -> PreTrainedModel:
    """Changes `model` in place, and returns it; see `merge_after`.

    Raises:
        InputError: Its head may read other positions than the first.
    """
    if not reads_first_position(model):
        raise InputError(
            f"shorten: the head of a {type(model).__name__} may read what would be merged; leave "
            "this step out"
        )
    merge_after(model, config.after_layer, config.positions)
    note_shape(model)
    return model
