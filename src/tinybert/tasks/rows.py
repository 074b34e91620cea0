"""Rows of a data set: mappings, whose keys are the same whatever the columns were called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError, short

Row = Mapping[str, Any]
"""One input: {"text"}, {"text", "pair"}, or {"words"} of a text that is split into words."""

Text = str | tuple[str, str]
"""What a tokenizer reads of a row: a text, or a pair of texts."""


def text_parts(text: Text) -> tuple[str, ...]:
    """The one sentence, or both of a pair.

    Example:
        >>> text_parts("a film"), text_parts(("a film", "a book"))
        (('a film',), ('a film', 'a book'))
    """
    return (text,) if isinstance(text, str) else text


def as_row(given: Text | Row | list[str], of_words: bool = False) -> Row:
    """The row that a text, a pair or a mapping stands for.

    What is none of them becomes the row's text as it is: whoever reads it says what is wrong.

    Args:
        given: As a user gives it.
        of_words: Whether words are what is answered, so that a list can only be that of a text's.

    Raises:
        InputError: A mapping has neither a text nor words, or words that are no strings.

    Example:
        >>> as_row("a film"), as_row(("a film", "a book")), as_row({"words": ["a", "film"]})
        ({'text': 'a film'}, {'text': 'a film', 'pair': 'a book'}, {'words': ['a', 'film']})
    """
    if of_words and isinstance(given, list):
        given = {"words": given}
    if isinstance(given, Mapping):
        words = given.get("words", ())
        whole = isinstance(words, list | tuple) and all(isinstance(word, str) for word in words)
        if not whole or not given.keys() & {"text", "words"}:
            raise InputError(
                f'expected {{"text": "..."}}, {{"text": "...", "pair": "..."}} or '
                f'{{"words": ["...", ...]}}, got {short(dict(given))}'
            )
        return given
    if isinstance(given, tuple) and len(given) == 2:
        return {"text": given[0], "pair": given[1]}
    return {"text": given}


def row_text(row: Row) -> Text:
    """What a tokenizer reads of a row; words are joined by blanks.

    Example:
        >>> row_text({"text": "a film"}), row_text({"words": ["a", "film"]})
        ('a film', 'a film')
    """
    if "words" in row:
        return " ".join(row["words"])
    return (row["text"], row["pair"]) if "pair" in row else row["text"]


@dataclass(frozen=True)
class Examples:
    """The rows of a data set as a task sees them.

    Attributes:
        rows: The inputs, (rows,).
        labels: What is right, an entry a row: int64 class ids or float32 values, (rows,), or what
            else the task compares with; None where labels were not asked for.
        source: What the rows were read from, for messages.
        soft_labels: How likely each label is, (rows, outputs) float32, by who gave the rows; NaN
            for rows of which that is not known, None where it is of none.

    Example:
        >>> Examples([{"text": "a film"}, {"text": "dull"}], None, "dev.tsv").texts
        ['a film', 'dull']
    """

    rows: Sequence[Row]
    labels: NDArray[Any] | None
    source: str
    soft_labels: NDArray[np.float32] | None = None

    @classmethod
    def of_texts(
        cls,
        texts: Sequence[Text],
        labels: NDArray[Any] | None,
        source: str,
        soft_labels: NDArray[np.float32] | None = None,
    ) -> "Examples":
        """Rows of texts, or of pairs."""
        return cls([as_row(text) for text in texts], labels, source, soft_labels)

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def texts(self) -> Sequence[Text]:
        """What a tokenizer reads of each row."""
        in_memory = isinstance(self.rows, list)
        return [row_text(row) for row in self.rows] if in_memory else _Texts(self.rows)

    def take(self, places: Sequence[int]) -> "Examples":
        """The rows of some places, in their order, with their labels."""
        own = np.asarray(places, np.int64)
        labels, soft = (
            None if each is None else each[own] for each in (self.labels, self.soft_labels)
        )
        return Examples([self.rows[place] for place in places], labels, self.source, soft)

    def soft_labels_of(self, texts: Sequence[Text]) -> NDArray[np.float32] | None:
        """The soft labels of texts that are among these rows, (texts, outputs); NaN for others.

        Example:
            >>> rows = Examples.of_texts(["a"], None, "", np.array([[0.25, 0.75]], np.float32))
            >>> rows.soft_labels_of(["b", "a"])
            array([[ nan,  nan],
                   [0.25, 0.75]], dtype=float32)
        """
        if self.soft_labels is None:
            return None
        known: dict[Text, list[NDArray[np.float32]]] = {}
        for text, soft in zip(self.texts, self.soft_labels, strict=True):
            known.setdefault(text, []).append(soft)
        nothing = [np.full(self.soft_labels.shape[1], np.nan, np.float32)]
        means = [np.mean(known.get(text, nothing), axis=0) for text in texts]
        return np.array(means, np.float32).reshape(-1, self.soft_labels.shape[1])


class _Texts(Sequence[Text]):
    """The texts of rows that are read when they are asked for."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Text: ...

    @overload
    def __getitem__(self, index: slice) -> list[Text]: ...

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        return row_text(self._rows[index])
