"""Cells of a table, checked: the message names the row."""

from collections.abc import Sequence
from typing import Any

from tinybert.base.errors import InputError, short
from tinybert.data.table import Table
from tinybert.tasks.task import Text


def texts(table: Table, columns: Sequence[str]) -> list[Text]:
    """One column as sentences, or two as pairs.

    Raises:
        InputError: A column is missing; a cell is empty or no text.

    Example:
        >>> texts(Table({"a": ["x"], "b": ["y"]}, "data.tsv"), ["a", "b"])
        [('x', 'y')]
    """
    checked = [[_text(table, name, row) for row in range(len(table))] for name in columns]
    return list(checked[0]) if len(checked) == 1 else list(zip(*checked, strict=True))


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


def _text(table: Table, name: str, row: int) -> str:
    cell = value(table, name, row)
    if not isinstance(cell, str):
        raise InputError(f"{table.where(row)}: {short(name)} is not text: {short(cell)}")
    try:
        cell.encode()  # half a surrogate pair, as JSON escapes allow, breaks tokenizers
    except UnicodeEncodeError:
        raise InputError(f"{table.where(row)}: {short(name)} is not valid Unicode") from None
    return cell
