"""Texts with one word changed: what a task of few rows lacks is texts, and the teacher labels them.

After "EDA: Easy Data Augmentation" (https://aclanthology.org/D19-1670), whose changes keep the
label, on the whole. Ours need not, since the teacher reads the changed text itself; so a word may
also be replaced by any other of the training texts, or moved anywhere.
"""

import random
from collections.abc import Callable, Sequence

from tinybert.steps.augment.split import join_words
from tinybert.tasks.task import Text

Split = Callable[[str], list[str]]
"""A text to its words, such as a `WordSplitter`."""

CHANGES = ("drop", "insert", "move", "replace", "swap")


def change_words(
    texts: Sequence[Text],
    words: Sequence[str],
    generator: random.Random,
    split: Split = str.split,
) -> list[Text]:
    """One changed text for each; of a pair, the first, the second or both.

    Args:
        texts: Sentences or pairs.
        words: What is inserted, or replaces; a word that is there twice is drawn twice as often.
        generator: Of everything random.
        split: Finds the words of a text; default: what blanks part.

    Returns:
        As many, of the same form; the spacing between words is lost.

    Example:
        >>> change_words(["a very good film"], ["the"], random.Random(2))
        ['very good film']
    """
    changed: list[Text] = []
    for text in texts:
        if isinstance(text, str):
            changed.append(change_word(text, words, generator, split))
            continue
        which = generator.choice([(True, False), (False, True), (True, True)])
        first, second = (
            change_word(part, words, generator, split) if chosen else part
            for part, chosen in zip(text, which, strict=True)
        )
        changed.append((first, second))
    return changed


def change_word(
    text: str, words: Sequence[str], generator: random.Random, split: Split = str.split
) -> str:
    """The text after one change of a word; a word is inserted where there are less than three."""
    kept = split(text)
    change = generator.choice(CHANGES) if len(kept) > 2 else "insert"
    place = generator.randrange(len(kept)) if kept else 0
    if change == "drop":
        del kept[place]
    elif change == "insert":
        kept.insert(place, generator.choice(words))
    elif change == "move":
        kept.insert(generator.randrange(len(kept)), kept.pop(place))
    elif change == "replace":
        kept[place] = generator.choice(words)
    else:
        other = (place + 1) % len(kept)
        kept[place], kept[other] = kept[other], kept[place]
    return join_words(kept)
