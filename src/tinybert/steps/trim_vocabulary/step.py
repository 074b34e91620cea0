"""Trimming the vocabulary: what the step does."""

import itertools

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tinybert.base.progress import Progress
from tinybert.data.corpus import read_corpus
from tinybert.modeling.embedding_rows import keep_pieces
from tinybert.steps.trim_vocabulary.choose import always_kept, choose_pieces
from tinybert.steps.trim_vocabulary.config import TrimConfig
from tinybert.steps.trim_vocabulary.pieces import read_pieces
from tinybert.steps.trim_vocabulary.rebuild import read_document, rebuild
from tinybert.steps.trim_vocabulary.usage import count_pieces
from tinybert.tasks.task import text_parts
from tinybert.training.context import Context


def trim_vocabulary(
    config: TrimConfig, model: PreTrainedModel, context: Context
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, list[int]]:
    """Drops the pieces that the training rows and the corpus don't use.

    A text whose pieces all stay gives the logits that it gave; any other is spelled with smaller
    pieces. Pieces keep their order, so those of before are `kept[id]`.

    Args:
        config: Which pieces stay.
        model: Changed in place: its embedding table shrinks.
        context: Its rows are counted, both texts of a pair, and its corpus.

    Returns:
        The model, the tokenizer with the pieces that stay, and their ids of before, ascending.

    Raises:
        InputError: The size is too small, the tokenizer is of an unknown kind, or the corpus is
            missing or broken.
    """
    pieces = read_pieces(read_document(context.tokenizer))
    sources = context.unlabeled if config.corpus is None else config.corpus
    rows = itertools.chain.from_iterable(text_parts(text) for text in context.train.texts)

    def report(done: int) -> None:
        # How many texts a corpus has is known at its end.
        context.progress(Progress("trim-vocabulary", done, done + 1))

    counts = count_pieces(itertools.chain(rows, read_corpus(sources)), context.tokenizer, report)
    model_config = model.config.to_dict()
    used = counts.nonzero()[0].tolist() if config.characters == "used" else None
    kept = choose_pieces(counts, pieces, always_kept(pieces, model_config, used), config)
    tokenizer = rebuild(context.tokenizer, pieces.trimmed(kept), model.config)
    return keep_pieces(model, kept), tokenizer, kept
