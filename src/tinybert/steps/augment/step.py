"""More training texts: what the step does."""

import logging
import random

from transformers import PreTrainedModel

from tinybert.steps.augment.config import AugmentConfig
from tinybert.steps.augment.split import WordSplitter, changeable
from tinybert.steps.augment.words import change_words
from tinybert.tasks.task import Text, text_parts
from tinybert.training.context import Context

logger = logging.getLogger(__name__)


def augment(config: AugmentConfig, model: PreTrainedModel, context: Context) -> list[Text]:
    """The training texts, and changed ones.

    Args:
        config: How many.
        model: Not asked; the words are those of the training texts.
        context: Its training rows need no labels, and its tokenizer parts the words of scripts
            that are written without blanks.

    Returns:
        The training texts as they are and in their order, then `config.copies` changed ones of
        each, less those that are there already.

    Raises:
        InputError: Of most texts the words can't be told apart.
    """
    texts = context.train.texts
    split = WordSplitter(context.tokenizer)
    kept = changeable(texts, split)
    if len(kept) < len(texts):
        logger.warning(
            "augment: %d of %d texts are not changed: they are in a script without blanks, whose "
            "words this tokenizer can't tell apart",
            len(texts) - len(kept),
            len(texts),
        )

    def words_of(text: Text) -> tuple[tuple[str, ...], ...]:
        """What tells texts apart: changed ones have lost the spacing."""
        return tuple(tuple(split(part)) for part in text_parts(text))

    words = [word for text in kept for part in words_of(text) for word in part]
    generator = random.Random(context.seed)
    changed = change_words(kept * config.copies, words, generator, split)
    known = {words_of(text) for text in texts}
    return [*texts, *(text for text in dict.fromkeys(changed) if words_of(text) not in known)]
