"""Rows of named columns, read from anything that DATA may be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinybert.base.errors import InputError, cut, short

_SEPARATORS = {";": "semicolons", "\t": "tabs", ",": "commas", "|": "bars"}


def separator_hint(source: str, header: Sequence[str]) -> str:
    """What to say of a table whose columns another character seems to part; empty if none does.

    A table that was read right has several columns, and no quote within a name: `text;"a, b"` is
    two columns that semicolons part, and would be two others that a comma does.

    Args:
        source: Its file.
        header: Its column names, as they were read.

    Example:
        >>> separator_hint("data.tsv", ["text,label"])
        ' (parted by commas? save it with tabs)'
    """
    own, other = ("\t", "tabs") if source.endswith(".tsv") else (",", "commas")
    torn = any('"' in name for name in header)
    if not source.endswith((".csv", ".tsv")) or (len(header) > 1 and not torn):
        return ""
    line = own.join(header)
    found = next((name for mark, name in _SEPARATORS.items() if mark != own and mark in line), None)
    return f" (parted by {found}? save it with {other})" if found else ""


@dataclass(frozen=True)
class Table:
    """Columns of equal length and where they came from.

    Attributes:
        columns: Column name to values, one a row, as text where the format has no types; lists, or
            what reads a cell of a large file when it is asked for it.
        source: The file or data set, for messages.
        numbers: Those that the source gives its rows, beginning at 2 below a TSV header; default:
            from 1.
        unit: What the numbers count: rows, or lines, of which a row may have several.
    """

    columns: Mapping[str, Sequence[Any]]
    source: str
    numbers: Sequence[int] | None = None
    unit: str = "row"

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def column(self, name: str) -> Sequence[Any]:
        """The values of one column.

        Raises:
            InputError: There is no such column.
        """
        if name not in self.columns:
            raise self.no_column(name)
        return self.columns[name]

    def select(self, rows: Sequence[int]) -> "Table":
        """Some of its rows, which keep the numbers that the source gives them.

        Example:
            >>> Table({"text": ["a", "b"]}, "data.csv").select([1]).where(0)
            'data.csv: row 2'
        """
        numbers = self.numbers or range(1, len(self) + 1)
        columns = {name: _some(cells, rows) for name, cells in self.columns.items()}
        return replace(self, columns=columns, numbers=[numbers[row] for row in rows])

    def no_column(self, name: str) -> InputError:
        """The error of a column that is not there.

        Example:
            >>> print(Table({"text": ["a film"]}, "data.csv").no_column("sentence"))
            data.csv: no column 'sentence'; it has: text
        """
        return InputError(
            f"{self.source}: no column {short(name)}; it has: {cut(', '.join(self.columns))}"
            f"{separator_hint(self.source, list(self.columns))}"
        )

    def where(self, index: int, line: int = 0) -> str:
        """How a message names row `index`.

        Args:
            index: Of the row.
            line: Within the row, where it has several, from 0.

        Example:
            >>> Table({"text": ["a"]}, "data.tsv", numbers=[2]).where(0)
            'data.tsv: row 2'
        """
        number = index + 1 if self.numbers is None else self.numbers[index]
        return f"{self.source}: {self.unit} {number + line * (self.unit == 'line')}"


def _some(cells: Sequence[Any], rows: Sequence[int]) -> Sequence[Any]:
    """The cells of some rows, where they stay on the disk read no sooner."""
    if isinstance(cells, list):
        return [cells[row] for row in rows]
    found: Sequence[Any] = cells.take(np.asarray(rows, np.int64))  # type: ignore[attr-defined]
    return found
