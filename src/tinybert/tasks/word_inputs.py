"""Rows of words as the inputs of a model, and entities of characters as those of words."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tinybert.base.errors import InputError
from tinybert.data.table import Table
from tinybert.tasks.labels import some_names
from tinybert.tasks.outputs import Arrays, Inputs, Places
from tinybert.tasks.rows import Row, row_text
from tinybert.tasks.spans import OUTSIDE, Span
from tinybert.tasks.windows import Bounds, find_words, join_bounds

if TYPE_CHECKING:
    from tokenizers import Encoding


def word_inputs(rows: Sequence[Row], encodings: "Sequence[Encoding]", unread: Arrays) -> Inputs:
    """The windows of every row, and the words that each of them answers.

    Args:
        rows: Texts, or words.
        encodings: The tokens of each, with what did not fit in `overflowing`.
        unread: What stands at words of which the tokenizer makes nothing, as of `Inputs`.

    Returns:
        Inputs a position of which is a word; beside the model's arrays they have "spans",
        (positions, 2), where the words begin and end in the text.

    Raises:
        InputError: A row is a pair.
    """
    windows: list[Encoding] = []
    places: list[Places] = []
    spans: list[Bounds] = []
    ends: list[int] = []
    for number, (row, encoding) in enumerate(zip(rows, encodings, strict=True), 1):
        if "pair" in row:
            raise InputError(f"words are those of one text, and text {number} is a pair")
        own = [encoding, *encoding.overflowing]
        given = join_bounds(row["words"]) if "words" in row else None
        words, answers = find_words(str(row_text(row)), own, given)
        answered: list[list[tuple[int, int]]] = [[] for _ in own]
        for word, answer in enumerate(answers, len(spans)):
            if answer is not None:
                answered[answer.window].append((answer.token, word))
        places += [Places(*np.array(pairs, np.int64).reshape(-1, 2).T) for pairs in answered]
        windows += own
        spans += words
        ends.append(len(spans))
    return Inputs(
        windows,
        places,
        np.array(ends, np.int64),
        unread,
        beside={"spans": np.array(spans, np.int64).reshape(-1, 2)},
    )


def touched_words(words: Sequence[Bounds], entities: Sequence[Span]) -> list[Span]:
    """The words that entities of characters touch, as spans of words.

    Args:
        words: Where words begin and end, in order.
        entities: Of characters; they don't overlap.

    Example:
        >>> touched_words([(0, 3), (4, 7), (8, 11)], [Span(4, 10, "PER")])
        [Span(start=1, end=3, type='PER')]
    """
    found, word = [], 0
    for start, end, name in sorted(entities):
        while word < len(words) and words[word][1] <= start:
            word += 1
        first = word
        while word < len(words) and words[word][0] < end:
            word += 1
        if word > first:
            found.append(Span(first, word, name))
    return found


def word_bounds(row: Row) -> list[Bounds]:
    """Where the words of a row begin and end; those of a text are what blanks part.

    Example:
        >>> word_bounds({"words": ["a", "film"]}), word_bounds({"text": "a  film"})
        ([(0, 1), (2, 6)], [(0, 1), (3, 7)])
    """
    if "words" in row:
        return join_bounds(row["words"])
    return [match.span() for match in re.finditer(r"\S+", row["text"])]


def require_entities(
    table: Table, rows: Sequence[Row], found: Sequence[Sequence[Span]], labels: Sequence[str]
) -> None:
    """Refuses words in no entity, for labels none of which is for them.

    Args:
        table: Of the rows, for messages.
        rows: As a task reads them.
        found: The entities of each.
        labels: Of the model.

    Raises:
        InputError: A row has such a word.
    """
    for row, spans in enumerate(found):
        words = word_bounds(rows[row])
        if sum(span.end - span.start for span in touched_words(words, spans)) < len(words):
            raise InputError(
                f"{table.where(row)}: has words in no entity, and the labels "
                f"({some_names(labels)}) lack {OUTSIDE!r}"
            )
