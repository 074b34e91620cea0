"""The step: later layers that compute fewer positions."""

from transformers import PreTrainedModel

from tinybert.context import Context
from tinybert.merging import merge_after
from tinybert.shapes import note_shape
from tinybert.shorten.config import ShortenConfig


def shorten(config: ShortenConfig, model: PreTrainedModel, context: Context) -> PreTrainedModel:
    """Changes `model` in place, and returns it; see `merge_after`."""
    merge_after(model, config.after_layer, config.positions)
    note_shape(model)
    return model
