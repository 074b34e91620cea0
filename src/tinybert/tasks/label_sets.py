"""Rows with any number of labels in a table: lists, text with a separator, columns of 0 and 1."""

from collections.abc import Sequence
from typing import Any

from tinybert.base.errors import InputError, short
from tinybert.data.table import Table
from tinybert.tasks.columns import value
from tinybert.tasks.labels import label_name, whole_number


def listed_labels(table: Table, column: str, separator: str | None) -> list[list[str]]:
    """The labels of each row, of a column of lists or of text.

    Args:
        table: The rows.
        column: Each cell a list, as .jsonl and .parquet have them, or text with a separator.
        separator: What stands between two labels of a text; None where cells are lists.

    Returns:
        Names; none for an empty list or an empty text. Numbers are names: 1 and 1.0 are "1".

    Raises:
        InputError: The column is missing; a cell is of another kind; a label is empty, or there
            more than once.

    Example:
        >>> listed_labels(Table({"labels": [["joy", "love"], []]}, "a.jsonl"), "labels", None)
        [['joy', 'love'], []]
        >>> listed_labels(Table({"labels": ["joy|love", ""]}, "a.csv"), "labels", "|")
        [['joy', 'love'], []]
    """
    rows = []
    for row, cell in enumerate(table.column(column)):
        parts = _parts(cell, column, separator, table.where(row))
        # A table of one row's labels, so that a cell is read as those of other tasks are.
        own = Table({column: parts}, table.source, [_number(table, row)] * len(parts))
        names = [label_name(own, column, place) for place in range(len(parts))]
        if len(names) > 2 and {*names} <= {"0", "1", "true", "false"}:
            raise InputError(
                f"{table.where(row)}: {short(column)} has a 0 or 1 for each label: "
                f"{short(cell)}; give lists of the labels' names, or a column of 0 and 1 for each"
            )
        if twice := [name for name in names if names.count(name) > 1]:
            raise InputError(
                f"{table.where(row)}: label {short(twice[0])} is more than once in {short(column)}"
            )
        rows.append(names)
    return rows


def marked_labels(table: Table, columns: Sequence[str]) -> list[list[str]]:
    """The labels of each row, of columns that have 1 where the row has the label and else 0.

    Args:
        table: The rows.
        columns: Their names are those of the labels.

    Raises:
        InputError: A column is missing, or a cell is neither 0 nor 1.

    Example:
        >>> table = Table({"toxic": ["1", "0"], "rude": ["1", "0"]}, "a.csv")
        >>> marked_labels(table, ["toxic", "rude"])
        [['toxic', 'rude'], []]
    """
    return [[name for name in columns if _mark(table, name, row)] for row in range(len(table))]


def _parts(cell: Any, column: str, separator: str | None, where: str) -> list[Any]:
    if separator is None:
        if isinstance(cell, list | tuple):
            return list(cell)
        if cell is None:
            raise InputError(f"{where}: {short(column)} is missing; a row without labels has []")
        raise InputError(
            f"{where}: {short(column)} is no list of labels: {short(cell)}; of text with several "
            'labels say what parts them, such as `separator: "|"`; of one 0/1 column a label name '
            "the columns, such as `label: [toxic, rude]`"
        )
    if not isinstance(cell, str):
        hint = "; leave `separator` out, or set it to null" if isinstance(cell, list) else ""
        raise InputError(
            f"{where}: {short(column)} is no text with labels between {short(separator)}: "
            f"{short(cell)}{hint}"
        )
    parts = [part.strip() for part in cell.split(separator)] if cell.strip() else []
    if "" in parts:
        raise InputError(f"{where}: an empty label in {short(column)}: {short(cell)}")
    return parts


def _number(table: Table, row: int) -> int:
    return row + 1 if table.numbers is None else table.numbers[row]


def _mark(table: Table, column: str, row: int) -> bool:
    cell = value(table, column, row)
    if isinstance(cell, bool):
        return cell
    number = whole_number(str(cell).strip()) if isinstance(cell, str | int | float) else None
    if number not in (0, 1):
        raise InputError(f"{table.where(row)}: {short(column)} is neither 0 nor 1: {short(cell)}")
    return number == 1
