"""Where words stand in a text that others may take the place of."""

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tinybert.steps.augment.passages import Passage
from tinybert.steps.augment.split import LONGEST_WORD, is_unspaced
from tinybert.tasks.windows import Bounds

Split = Callable[[str], list[str]]
"""A text to its words."""

_ADDRESS = re.compile(r"://|@|^www\.", re.IGNORECASE)
"""What tells addresses, whose letters are no words."""


class Spot(NamedTuple):
    """The letters of a word, without punctuation around them.

    Attributes:
        start: Where they begin in the text.
        end: One after where they end.
    """

    start: int
    end: int


def find_spots(text: str, split: Split, fixed: Sequence[Bounds] = ()) -> list[Spot]:
    """The words of a text that may be replaced: letters alone, and no part of what must stay.

    Numbers, addresses, single letters and parts of "isn't" are left out.

    Args:
        text: The text.
        split: Parts it into words.
        fixed: Characters that must stay.

    Example:
        >>> text = "A well-made film, isn't it? 3rd of 10"
        >>> [text[start:end] for start, end in find_spots(text, str.split)]
        ['well', 'made', 'film', 'it', 'of']
    """
    spots = [Spot(*bounds) for bounds in _letters(text, split)]
    return [
        spot
        for spot in spots
        if not any(start < spot.end and spot.start < end for start, end in fixed)
    ]


def find_all(passage: Passage, split: Split) -> list[list[Spot]]:
    """The words of each text of a row that may be replaced."""
    pairs = zip(passage.parts, passage.fixed, strict=True)
    return [find_spots(part, split, fixed) for part, fixed in pairs]


def _letters(text: str, split: Split) -> Iterator[Bounds]:
    at = 0
    for word in split(text):
        start = text.index(word, at)
        at = start + len(word)
        if _ADDRESS.search(word):
            continue
        for first, last in _runs(word):
            letters = word[first:last]
            if _joined(word, first - 1, -1) or _joined(word, last, 1):
                continue
            several = sum(map(is_unspaced, letters)) > LONGEST_WORD  # words that nobody parted
            if not several and (len(letters) > 1 or is_unspaced(letters)):
                yield start + first, start + last


def _runs(word: str) -> Iterator[Bounds]:
    """Where letters stand together, with the marks that some scripts put on them."""
    at = 0
    for is_letter, run in itertools.groupby(word, _is_letter):
        end = at + len([*run])
        if is_letter and word[at].isalpha():
            yield at, end
        at = end


def _is_letter(character: str) -> bool:
    return character.isalpha() or unicodedata.category(character).startswith("M")


def _joined(word: str, at: int, step: int) -> bool:
    """Whether the character beside letters makes them a part of something: a digit, a "n't"."""
    if not 0 <= at < len(word):
        return False
    if word[at] in "'\u2019":
        beyond = at + step
        return 0 <= beyond < len(word) and word[beyond].isalnum()
    return word[at].isdigit() or word[at] == "_"


def written_like(word: str, like: str) -> str:
    """A word in the case of another.

    Example:
        >>> written_like("movie", "Film"), written_like("movie", "FILM"), written_like("EU", "he")
        ('Movie', 'MOVIE', 'EU')
    """
    if len(like) > 1 and like.isupper():
        return word.upper()
    if like[:1].isupper():
        return word[:1].upper() + word[1:]
    return word
