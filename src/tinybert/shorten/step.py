"""The step: layers that compute fewer positions."""

from transformers import PreTrainedModel

from tinybert.context import Context
from tinybert.errors import InputError
from tinybert.first_position import reads_first_position
from tinybert.observe import calibration_batches
from tinybert.selection import select_in
from tinybert.shorten.config import ShortenConfig
from tinybert.shorten.saliency import fit_scores


def shorten(config: ShortenConfig, model: PreTrainedModel, context: Context) -> PreTrainedModel:
    """Changes `model` in place, and returns it; see `select_in` and `fit_scores`.

    Raises:
        InputError: Its head may read other positions than the first.
    """
    if not reads_first_position(model):
        raise InputError(
            f"shorten: the head of a {type(model).__name__} may read what would be left out; leave "
            "this step out"
        )
    batches = calibration_batches(context, config.calibration_rows, model.device)
    scores = fit_scores(model, batches, config.layer)
    selection = select_in(model, config.layer, config.positions)
    selection.weight.copy_(scores)
    return model
