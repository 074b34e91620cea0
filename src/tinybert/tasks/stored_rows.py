"""Rows of a file that is larger than memory."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from tinybert.base.files import hash_value
from tinybert.data.stored import StoredCells
from tinybert.tasks.rows import Row


class StoredRows(Sequence[Row]):
    """Rows whose texts are read when they are asked for.

    Args:
        columns: What a row calls its parts, and the cells of each.
    """

    def __init__(self, columns: Mapping[str, Sequence[Any]]) -> None:
        self._columns = columns

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> "StoredRows": ...

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        return {key: cells[index] for key, cells in self._columns.items()}

    def __iter__(self) -> Iterator[Row]:
        return (self[place] for place in range(len(self)))

    def take(self, places: NDArray[np.int64]) -> "StoredRows":
        """Some rows, read no sooner."""
        return StoredRows(
            {
                key: cells.take(places)
                if isinstance(cells, StoredCells)
                else [cells[place] for place in places]
                for key, cells in self._columns.items()
            }
        )

    def hash(self) -> str:
        """SHA-256 that changes with the file, the columns and the rows."""
        return hash_value(
            [
                [key, cells.hash() if isinstance(cells, StoredCells) else list(cells)]
                for key, cells in self._columns.items()
            ]
        )
