"""Cells of a table, checked: the message names the row."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinybert.base.errors import InputError, short
from tinybert.data.stored import StoredCells
from tinybert.data.table import Table
from tinybert.tasks.rows import Row
from tinybert.tasks.stored_rows import StoredRows

_FLOAT32_MAX = float(np.finfo(np.float32).max)

KEYS = ("text", "pair")
"""What a row calls its first and its second text."""


def rows(table: Table, columns: Sequence[str]) -> Sequence[Row]:
    """One column as the texts of rows, or two as pairs.

    Of a file whose rows stay on the disk each is read when it is asked for; all are checked now.

    Raises:
        InputError: A column is missing; a cell is empty or no text.

    Example:
        >>> rows(Table({"a": ["x"], "b": ["y"]}, "data.tsv"), ["a", "b"])
        [{'text': 'x', 'pair': 'y'}]
    """
    if any(isinstance(table.columns.get(name), StoredCells) for name in columns):
        for row in range(len(table)):
            for name in columns:
                text(table, name, row)
        return StoredRows(
            {key: table.columns[name] for key, name in zip(KEYS, columns, strict=False)}
        )
    checked = [[text(table, name, row) for row in range(len(table))] for name in columns]
    return [dict(zip(KEYS, cells, strict=False)) for cells in zip(*checked, strict=True)]


def value(table: Table, name: str, row: int) -> Any:
    """One cell.

    Raises:
        InputError: The column is missing or the cell is empty (None, NaN, or blank text).
    """
    cell = table.column(name)[row]
    blank = isinstance(cell, str) and not cell.strip()
    if cell is None or blank or cell != cell:
        raise InputError(f"{table.where(row)}: {short(name)} is empty")
    return cell


def number(table: Table, name: str, row: int) -> float:
    """One cell that is a number of float32.

    Raises:
        InputError: The column is missing, or the cell is empty or no finite number.
    """
    cell = value(table, name, row)
    try:
        found = float(cell)
    except (TypeError, ValueError, OverflowError):
        found = float("nan")
    if isinstance(cell, bool) or not abs(found) <= _FLOAT32_MAX:
        raise InputError(f"{table.where(row)}: {short(name)} is not a finite number: {short(cell)}")
    return found


def text(table: Table, name: str, row: int) -> str:
    """One cell that is text.

    Raises:
        InputError: The column is missing, or the cell is empty, no text or no valid Unicode.
    """
    cell = value(table, name, row)
    if not isinstance(cell, str):
        raise InputError(f"{table.where(row)}: {short(name)} is not text: {short(cell)}")
    try:
        cell.encode()  # half a surrogate pair, as JSON escapes allow, breaks tokenizers
    except UnicodeEncodeError:
        raise InputError(f"{table.where(row)}: {short(name)} is not valid Unicode") from None
    return cell
