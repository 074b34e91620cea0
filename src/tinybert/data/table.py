"""Rows of named columns, read from anything that DATA may be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinybert.errors import InputError, cut, short


@dataclass(frozen=True)
class Table:
    """Columns of equal length and where they came from.

    Attributes:
        columns: Column name to values, one a row, as text where the format has no types.
        source: The file or data set, for messages.
        numbers: Those that the source gives its rows, beginning at 2 below a TSV header; default:
            from 1.
    """

    columns: dict[str, list[Any]]
    source: str
    numbers: Sequence[int] | None = None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def column(self, name: str) -> Sequence[Any]:
        """The values of one column.

        Raises:
            InputError: There is no such column.
        """
        if name not in self.columns:
            raise InputError(
                f"{self.source}: no column {short(name)}; it has: {cut(', '.join(self.columns))}"
            )
        return self.columns[name]

    def where(self, index: int) -> str:
        """How a message names row `index`.

        Example:
            >>> Table({"text": ["a"]}, "data.tsv", numbers=[2]).where(0)
            'data.tsv: row 2'
        """
        number = index + 1 if self.numbers is None else self.numbers[index]
        return f"{self.source}: row {number}"
