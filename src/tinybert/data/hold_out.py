"""Rows held out of the training rows, where a data set has no evaluation split of its own."""

import logging
import random
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from tinybert.base.errors import InputError
from tinybert.data.table import Table

logger = logging.getLogger(__name__)

_SHARE = re.compile(r"(\d{1,2}(?:\.\d+)?)%")
_FEWEST = 20
"""The fewest rows to measure on: with fewer a metric's 95% interval is wider than 0.3."""


def share_of(data: str | None) -> float | None:
    """The share that a text such as "10%" names; None where it names something else.

    Example:
        >>> share_of("10%"), share_of("dev.tsv")
        (0.1, None)
    """
    found = _SHARE.fullmatch(data.strip()) if data is not None else None
    return float(found[1]) / 100 if found else None


def hold_out(
    table: Table,
    share: float,
    text: Sequence[str],
    label: str | None,
    together: Sequence[str] | None = None,
) -> tuple[Table, Table]:
    """Parts a table into training rows and rows to measure on.

    Which rows it takes depends on the rows alone. Of each label it takes its share, and rows of the
    same text stay together, so that no text is in both parts; in the second each is there once.
    Every label, also of those in lists, is left to some training row.

    Args:
        table: The rows.
        share: How many texts are held out, above 0 and below 1.
        text: The columns of a row's text.
        label: The column whose values are held out evenly; None where there is none.
        together: The columns that rows stay together by, such as that of a context to which there
            are many questions; default: `text`.

    Returns:
        The training rows and the held-out ones, in the order they had.

    Raises:
        InputError: A column is missing, or too few rows would be held out.

    Example:
        >>> table = Table({"text": [f"film {n}" for n in range(200)], "label": [0, 1] * 100}, "a")
        >>> train, held_out = hold_out(table, 0.1, ["text"], "label")
        >>> len(train), len(held_out), sum(held_out.columns["label"])
        (180, 20, 10)
    """
    texts = _keys(table, text)
    alike: dict[str, list[int]] = {}
    for row, key in enumerate(texts if together is None else _keys(table, together)):
        alike.setdefault(key, []).append(row)
    values = None if label is None else table.column(label)
    by_label: dict[str, list[str]] = {}
    for key, rows in alike.items():
        by_label.setdefault("" if values is None else str(values[rows[0]]), []).append(key)
    often = [keys for _, keys in sorted(by_label.items()) if len(keys) * share >= 1]
    rare = [key for keys in by_label.values() if len(keys) * share < 1 for key in keys]
    dice = random.Random(0)
    taken: set[str] = set()
    for keys in [*often, rare]:
        taken.update(dice.sample(keys, round(share * len(keys))))
    taken -= _last_of_their_label(alike, taken, values)
    first = {texts[row]: row for key in taken for row in reversed(alike[key])}
    if len(first) < _FEWEST:
        different = len({*texts})
        enough = different >= 2 * _FEWEST
        advice = f"hold out {_FEWEST} or more, or name" if enough else "name"
        raise InputError(
            f"{table.source}: {100 * share:g}% of {different} different texts are {len(first)}, "
            f"too few to measure anything on; {advice} rows for it"
        )
    held_out = [*first.values()]
    train = [row for key, rows in alike.items() if key not in taken for row in rows]
    if left := len(table) - len(train) - len(held_out):
        logger.warning(
            "%s: %d rows whose text is held out are not learned from, so that no text is in both "
            "parts",
            *(table.source, left),
        )
    return table.select(sorted(train)), table.select(sorted(held_out))


def text_key(parts: Iterable[str]) -> str:
    """What tells texts apart: all but blanks and capitals.

    Args:
        parts: The one text of a row, or both of a pair.

    Example:
        >>> text_key(["A  great film "]) == text_key(["a great film"])
        True
    """
    return "\0".join(" ".join(part.lower().split()) for part in parts)


def _keys(table: Table, columns: Sequence[str]) -> list[str]:
    """The text of each row without what does not tell texts apart."""
    cells = [table.column(name) for name in columns]
    return [text_key([str(column[row]) for column in cells]) for row in range(len(table))]


def _last_of_their_label(
    alike: Mapping[str, Sequence[int]], taken: Collection[str], values: Sequence[Any] | None
) -> set[str]:
    """Held-out texts with a label that no training row would have: nothing could learn it."""
    if values is None:
        return set()
    learned = {
        name
        for key, rows in alike.items()
        if key not in taken
        for row in rows
        for name in _names(values[row])
    }
    return {key for key in taken if not {*_names(values[alike[key][0]])} <= learned}


def _names(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]
