"""Texts from the teacher alone: what the step does."""

import math
from collections.abc import Iterator

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tinybert.base.errors import InputError
from tinybert.base.progress import Progress
from tinybert.modeling.hub import find_folder
from tinybert.modeling.load import has_masked_lm, load_masked_lm, tokenize
from tinybert.steps.generate.config import GenerateConfig
from tinybert.steps.generate.gradient import search
from tinybert.steps.generate.masked_lm import sample
from tinybert.steps.generate.template import Template
from tinybert.steps.generate.vocabulary import read_vocabulary
from tinybert.tasks.task import Text
from tinybert.training.context import Context

BATCH_TOKENS = 2048
"""The most tokens run at once: activations kept for their gradient are over 1 GB in BERT-base."""


def generate(config: GenerateConfig, model: PreTrainedModel, context: Context) -> list[Text]:
    """Makes texts, or pairs where the task has two columns; `model` stays as it is.

    Args:
        config: How many, how long and how.
        model: With a task head, or with a masked-LM head, which is sampled from.
        context: Its training rows are not read.

    Returns:
        The texts, as many as asked for less those that the tokenizer can't read back.

    Raises:
        InputError: The tokenizer has no mask token, `data.max_length` leaves too little room, or
            there is no such masked-LM.
    """
    if config.masked_lm is not None:
        model = load_masked_lm(find_folder(config.masked_lm)).to(model.device)  # type: ignore[arg-type]
    sampled = has_masked_lm(model)
    model.eval()
    tokenizer, columns = context.tokenizer, len(context.task.text)
    if tokenizer.mask_token is None:
        raise InputError("generate: the teacher's tokenizer has no mask token")
    longest = _longest(config, tokenizer, columns, context.max_length)
    vocabulary = read_vocabulary(tokenizer, int(model.config.vocab_size))
    generator = torch.Generator().manual_seed(context.seed)
    texts: list[Text] = []
    done = 0
    for rows, lengths in plan(config, columns, longest, generator):
        template = Template(tokenizer, lengths, model.device)
        values: dict[str, float] = {}
        if sampled:
            tokens = sample(model, template, vocabulary, rows, config, generator)
        else:
            tokens, losses = search(model, template, vocabulary, rows, config, generator)
            values = {"loss": losses[-1].mean().item()}
        texts += _readable(template.texts(tokens), tokenizer, context.max_length)
        done += rows
        context.progress(Progress("generate", done, config.rows, values))
    return texts


def plan(
    config: GenerateConfig, columns: int, longest: int, generator: torch.Generator
) -> Iterator[tuple[int, list[int]]]:
    """Batches of texts of one length, so that nothing is padded.

    The logarithm of a length is uniform: short texts are more common than long ones.

    Args:
        config: How many texts, how long.
        columns: 2 for pairs.
        longest: The most tokens of a text.
        generator: Of the CPU.

    Yields:
        The rows of a batch, and the tokens of each of its columns.

    Example:
        >>> config = GenerateConfig(rows=5, batch_size=3, min_tokens=4)
        >>> list(plan(config, columns=1, longest=4, generator=torch.Generator()))
        [(3, [4]), (2, [4])]
    """
    low, high = math.log(config.min_tokens), math.log(longest + 1)
    left = config.rows
    while left > 0:
        drawn = low + (high - low) * torch.rand(columns, generator=generator)
        lengths = drawn.exp().long().clamp(config.min_tokens, longest).tolist()
        together = min(config.batch_size, left)
        left -= together
        most = max(1, BATCH_TOKENS // sum(lengths))
        while together > 0:
            yield min(together, most), lengths
            together -= most


def _longest(
    config: GenerateConfig, tokenizer: PreTrainedTokenizerBase, columns: int, max_length: int
) -> int:
    """The most tokens of one text that is not cut."""
    special = tokenizer.num_special_tokens_to_add(pair=columns == 2)
    room = (max_length - special) // columns
    if config.min_tokens > room:
        raise InputError(
            f"generate.min_tokens: {config.min_tokens} is more than the {max(room, 0)} tokens a "
            f"text that data.max_length {max_length} leaves"
        )
    return min(config.max_tokens, room)


def _readable(texts: list[Text], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Text]:
    """The texts without unknown tokens: some tokenizers give up on words of very many pieces."""
    rows = tokenize(texts, tokenizer, max_length)["input_ids"]
    unknown = tokenizer.unk_token_id
    return [text for text, ids in zip(texts, rows, strict=True) if unknown not in ids]
