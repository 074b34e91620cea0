"""More training texts: what the step does."""

import random

from transformers import PreTrainedModel

from tinybert.augment.config import AugmentConfig
from tinybert.augment.joined import join_texts
from tinybert.augment.words import change_words
from tinybert.context import Context
from tinybert.tasks.base import Text, text_parts


def augment(config: AugmentConfig, model: PreTrainedModel, context: Context) -> list[Text]:
    """The training texts, and new ones made of them.

    Args:
        config: How many, and how.
        model: Not asked; the words are those of the training texts.
        context: Its training rows need no labels.

    Returns:
        The training texts as they are and in their order, then `config.copies` changed ones of
        each and `config.joined` times as many joined ones, less those that are there already.
    """
    generator = random.Random(context.seed)
    texts = context.train.texts
    words = [word for text in texts for part in text_parts(text) for word in part.split()]
    made = change_words(list(texts) * config.copies, words, generator)
    for _ in range(config.joined):
        made += join_texts([text for text in texts if isinstance(text, str)], generator)
    known = {_words(text) for text in texts}
    return [*texts, *(text for text in dict.fromkeys(made) if _words(text) not in known)]


def _words(text: Text) -> tuple[tuple[str, ...], ...]:
    """What tells texts apart: changed ones have lost the spacing."""
    return tuple(tuple(part.split()) for part in text_parts(text))
