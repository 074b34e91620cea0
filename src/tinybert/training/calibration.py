"""Training rows that a step looks at: to measure ranges, importance or statistics on."""

import random
from collections.abc import Sequence
from itertools import accumulate

import torch
from transformers import PreTrainedTokenizerBase

from tinybert.modeling.load import tokenize
from tinybert.modeling.observe import Batch, make_batches
from tinybert.tasks.task import Text
from tinybert.training.context import Context


def first_tokens(
    texts: Sequence[Text], tokenizer: PreTrainedTokenizerBase, max_length: int, most: int
) -> list[Text]:
    """The first texts that have `most` tokens together; one at least."""
    lengths = map(len, tokenize(texts, tokenizer, max_length)["input_ids"])
    totals = accumulate(lengths)
    return [
        text
        for at, (text, total) in enumerate(zip(texts, totals, strict=True))
        if total <= most or at == 0
    ]


def sample_texts(context: Context, rows: int) -> list[Text]:
    """Texts of training rows, drawn by the context's seed; all where there are not as many."""
    return random.Random(context.seed).sample(context.train.texts, min(rows, len(context.train)))


def calibration_batches(
    context: Context, rows: int, device: torch.device, tokens: int | None = None
) -> list[Batch]:
    """Padded batches of training rows, drawn by the context's seed.

    Args:
        context: Rows, tokenizer and seed.
        rows: How many, if there are as many.
        device: Where the batches go.
        tokens: The most that they may have together.
    """
    few = sample_texts(context, rows)
    if tokens is not None:
        few = first_tokens(few, context.tokenizer, context.max_length, tokens)
    return make_batches(few, context.tokenizer, context.max_length, device)
