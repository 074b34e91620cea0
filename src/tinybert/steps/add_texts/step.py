"""More training texts from a corpus: what the step does."""

import random
from collections.abc import Iterable

from transformers import PreTrainedModel

from tinybert.base.errors import InputError
from tinybert.data.corpus import read_corpus
from tinybert.steps.add_texts.config import AddTextsConfig
from tinybert.tasks.task import Text
from tinybert.training.context import Context


def add_texts(config: AddTextsConfig, model: PreTrainedModel, context: Context) -> list[Text]:
    """The training texts, and some of the corpus, but for those that the result is measured on.

    Args:
        config: How many.
        model: Not asked.
        context: Its training rows need no labels; `unlabeled` names the corpus, of which as much is
            kept in memory as is drawn.

    Returns:
        The training texts as they are and in their order, then others in the order of the corpus.

    Raises:
        InputError: The corpus has no text that is not there already.
    """
    texts = context.train.texts
    most = max(round(len(texts) * config.per_row), 1)
    known = context.measured_on | {*texts}
    drawn = draw(read_corpus(context.unlabeled), most, known, random.Random(context.seed))
    if not drawn:
        raise InputError(
            "add-texts: data.unlabeled has no text that is not one of the rows already"
        )
    return [*texts, *drawn]


def draw(
    passages: Iterable[str], most: int, known: Iterable[Text], generator: random.Random
) -> list[str]:
    """Some of many texts, each with the same chance, in their order; none is there twice.

    Args:
        passages: They are read once.
        most: How many to draw.
        known: What not to draw.
        generator: Draws.

    Example:
        >>> draw(["a", "b", "a", "c"], 2, {"c"}, random.Random(0))
        ['a', 'b']
    """
    seen = {hash(text) for text in known}
    kept: list[tuple[int, str]] = []
    count = 0
    for place, text in enumerate(passages):
        key = hash(text)
        if key in seen:
            continue
        seen.add(key)
        count += 1
        if len(kept) < most:
            kept.append((place, text))
        elif (at := generator.randrange(count)) < most:
            kept[at] = (place, text)
    return [text for _, text in sorted(kept)]
