"""The step: layers that compute fewer positions."""

from collections.abc import Sequence

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tinybert.base.errors import InputError
from tinybert.modeling.last_layer import reads_first_position
from tinybert.modeling.load import tokenize
from tinybert.modeling.observe import make_batches
from tinybert.modeling.selection import select_in
from tinybert.steps.shorten.config import ShortenConfig
from tinybert.steps.shorten.saliency import fit_scores
from tinybert.tasks.task import Text
from tinybert.training.calibration import sample_texts
from tinybert.training.context import Context

_LOOKED_AT = 20  # training rows, for each that is wanted


def shorten(config: ShortenConfig, model: PreTrainedModel, context: Context) -> PreTrainedModel:
    """Changes `model` in place, and returns it; see `select_in` and `fit_scores`.

    Raises:
        InputError: Its head may read other positions than the first, or its family can't do it.
    """
    if not reads_first_position(model):
        raise InputError(
            f"shorten: the head of {type(model).__name__} may read what would be left out; leave "
            "this step out"
        )
    few = sample_texts(context, _LOOKED_AT * config.calibration_rows)
    longer_first = by_need(few, context.tokenizer, context.max_length, config.positions)
    batches = make_batches(
        longer_first[: config.calibration_rows],
        context.tokenizer,
        context.max_length,
        model.device,
    )
    scores = fit_scores(model, batches, config.layer)
    selection = select_in(model, config.layer, config.positions)
    selection.weight.copy_(scores)
    return model


def by_need(
    texts: Sequence[Text], tokenizer: PreTrainedTokenizerBase, max_length: int, positions: int
) -> list[Text]:
    """Texts, those that have more tokens than go on first; otherwise in their order.

    What matters in a short text says less of these than they do themselves (`benchmarks/
    selection_choices.py`).
    """
    lengths = map(len, tokenize(texts, tokenizer, max_length)["input_ids"])
    pairs = zip(texts, lengths, strict=True)
    return [text for text, _ in sorted(pairs, key=lambda pair: pair[1] <= positions)]
