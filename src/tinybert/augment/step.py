"""More training texts: what the step does."""

import random

from transformers import PreTrainedModel

from tinybert.augment.config import AugmentConfig
from tinybert.augment.words import change_words
from tinybert.context import Context
from tinybert.tasks.base import Text, text_parts


def augment(config: AugmentConfig, model: PreTrainedModel, context: Context) -> list[Text]:
    """The training texts, and changed ones.

    Args:
        config: How many.
        model: Not asked; the words are those of the training texts.
        context: Its training rows need no labels.

    Returns:
        The training texts as they are and in their order, then `config.copies` changed ones of
        each, less those that are there already.
    """
    texts = context.train.texts
    words = [word for text in texts for part in text_parts(text) for word in part.split()]
    changed = change_words(list(texts) * config.copies, words, random.Random(context.seed))
    known = {_words(text) for text in texts}
    return [*texts, *(text for text in dict.fromkeys(changed) if _words(text) not in known)]


def _words(text: Text) -> tuple[tuple[str, ...], ...]:
    """What tells texts apart: changed ones have lost the spacing."""
    return tuple(tuple(part.split()) for part in text_parts(text))
