"""Rows as methods see them, the changes that methods make, and rows made of these."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tinybert.tasks.rows import Row, row_text, text_parts
from tinybert.tasks.windows import Bounds, join_bounds

KEYS = ("text", "pair")
"""What a row calls its first and its second text."""


class Edit(NamedTuple):
    """Characters of a text that others take the place of.

    Attributes:
        start: Where they begin.
        end: One after where they end.
        text: What stands there then.
    """

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Passage:
    """A row that is to be changed.

    Attributes:
        parts: Its texts, one or a pair; words of a row of words are joined by blanks.
        fixed: For each part the characters that must stay: protected terms, what labels point at.
        in_place: Whether all other words must stay where they are: labels are of words.
    """

    parts: tuple[str, ...]
    fixed: tuple[tuple[Bounds, ...], ...]
    in_place: bool = False


@dataclass(frozen=True)
class Made:
    """A changed row.

    Attributes:
        source: The number of the passage that it was made of, from 0.
        method: What made it.
        parts: Its texts, as many as the passage has.
        edits: For each part what was replaced, in order; None where it was written anew.
    """

    source: int
    method: str
    parts: tuple[str, ...]
    edits: tuple[tuple[Edit, ...], ...] | None = None


def passage_of(
    row: Row, fixed: Sequence[Sequence[Bounds]] = ((), ()), *, in_place: bool = False
) -> Passage:
    """The passage of a row.

    Args:
        row: A text, a pair or words.
        fixed: The characters of each text that must stay.
        in_place: Whether words must stay where they are.

    Example:
        >>> passage_of({"words": ["a", "film"]}, in_place=True).parts
        ('a film',)
    """
    parts = text_parts(row_text(row))
    bounds = [tuple(sorted(each)) for each in fixed[: len(parts)]]
    return Passage(parts, tuple(bounds), in_place)


def edited(source: int, method: str, parts: Sequence[str], edits: Sequence[Sequence[Edit]]) -> Made:
    """A passage with some of its words replaced.

    Example:
        >>> edited(0, "words", ["a good film"], [[Edit(2, 6, "bad")]]).parts
        ('a bad film',)
    """
    ordered = tuple(tuple(sorted(own)) for own in edits)
    texts = (apply_edits(part, own) for part, own in zip(parts, ordered, strict=True))
    return Made(source, method, tuple(texts), ordered)


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """A text after edits, which are in order and don't overlap."""
    pieces, at = [], 0
    for edit in edits:
        pieces += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*pieces, text[at:]])


def moved(place: int, edits: Sequence[Edit]) -> int:
    """Where a character, or the end of something, stands after edits that leave it as it is.

    Example:
        >>> moved(7, [Edit(2, 6, "bad")]), moved(2, [Edit(2, 6, "bad")])
        (6, 2)
    """
    return place + sum(
        len(edit.text) - (edit.end - edit.start) for edit in edits if edit.end <= place
    )


def changed_row(row: Row, made: Made) -> Row:
    """A row with other texts; of words, as many as there were.

    Example:
        >>> row = {"words": ["a", "good", "film"]}
        >>> changed_row(row, edited(0, "words", ["a good film"], [[Edit(2, 6, "bad")]]))
        {'words': ['a', 'bad', 'film']}
    """
    if "words" not in row:
        return {**row, **dict(zip(KEYS, made.parts, strict=False))}
    assert made.edits is not None, "rows of words are changed in place alone"
    (edits,) = made.edits
    words = []
    for word, (start, end) in zip(row["words"], join_bounds(row["words"]), strict=True):
        own = [
            Edit(edit.start - start, edit.end - start, edit.text)
            for edit in edits
            if start <= edit.start and edit.end <= end
        ]
        words.append(apply_edits(word, own))
    return {**row, "words": words}
