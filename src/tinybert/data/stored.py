"""Tables of files larger than memory: where each row is, and its cells when they are asked for.

What a few words say, such as labels, is kept as a number a row; texts stay in the file.
"""

import io
import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError
from tinybert.base.files import hash_path, hash_value, require_file
from tinybert.data.jsonl import MOST_COLUMNS, parse_object
from tinybert.data.lines import decode_lines
from tinybert.data.table import Table

LARGE = 256 << 20
"""Bytes from which on a file's rows stay on the disk: in memory they take several times as many."""

MOST_VALUES, LONGEST_VALUE = 1000, 200
"""How many different values a column that is kept may have, and characters of one."""


def is_large(path: Path) -> bool:
    """Whether the rows of a file stay on the disk."""
    return path.is_file() and path.stat().st_size >= LARGE


def open_jsonl(path: Path) -> Table:
    """The rows of a .jsonl, as `read_jsonl` gives them.

    All of it is read once, so that what is wrong is told now.

    Raises:
        InputError: A line is no JSON object; the message names the line.
    """
    columns: dict[str, _Column] = {}

    def check(number: int, line: str) -> bool:
        row = parse_object(path, number, line)
        for name in row:
            if name not in columns:
                columns[name] = _Column(number - 1)
        if len(columns) > MOST_COLUMNS:
            raise InputError(
                f"{path}: has more than {MOST_COLUMNS:,} different keys; expected the same in each "
                "line"
            )
        for name, column in columns.items():
            column.add(row.get(name))
        return True

    lines = _index(path, check)

    def row(place: int) -> dict[str, Any]:
        return parse_object(path, place + 1, lines[place])

    rows = _Rows(row)
    return Table(
        {
            name: column.kept() or StoredCells(lines, name, _cell(rows, name))
            for name, column in columns.items()
        },
        str(path),
    )


def open_lines(path: Path, column: str) -> Table:
    """A text a line of a .txt, blank lines left out."""
    lines = _index(path, lambda number, line: bool(line.strip()))
    return Table({column: StoredCells(lines, column, lines.__getitem__)}, str(path))


class StoredLines:
    """Lines of a file by number, without their ends.

    Args:
        path: The file, which must stay as it is.
        bounds: (lines, 2), where each begins and ends, in bytes.
        state: Of the file when these were found.
    """

    def __init__(self, path: Path, bounds: NDArray[np.int64], state: tuple[int, int, int]) -> None:
        self.path = path
        self.bounds = bounds
        self._state = state
        self._file: io.BufferedReader | None = None

    def __getitem__(self, number: int) -> str:
        start, end = self.bounds[number].tolist()
        try:
            if self._file is None:
                self._file = self.path.open("rb")
            if _state(self._file) != self._state:
                raise InputError(f"{self.path}: has changed since it was first read; begin anew")
            self._file.seek(start)
            content = self._file.read(end - start)
        except OSError as error:
            raise InputError(f"{self.path}: can't be read any more: {error.strerror}") from None
        text = content.decode("utf-8-sig" if start == 0 else "utf-8")
        return text.removesuffix("\n").removesuffix("\r")


class StoredCells(Sequence[Any]):
    """A column whose cells are in a file.

    Args:
        lines: Of the file.
        name: Of the column.
        cell: Gives the cell in a line, by its number.
        places: (rows,), the number of the line that each row is; default: all.
    """

    def __init__(
        self,
        lines: StoredLines,
        name: str,
        cell: Callable[[int], Any],
        places: NDArray[np.int64] | None = None,
    ) -> None:
        self._lines = lines
        self._name = name
        self._cell = cell
        self._places = places

    def __len__(self) -> int:
        return len(self._lines.bounds if self._places is None else self._places)

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> "StoredCells": ...

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        place = range(len(self))[index]
        return self._cell(place if self._places is None else int(self._places[place]))

    def __iter__(self) -> Iterator[Any]:
        return (self[place] for place in range(len(self)))

    def take(self, places: NDArray[np.int64]) -> "StoredCells":
        """The cells of some rows, read no sooner."""
        own = places if self._places is None else self._places[places]
        return StoredCells(self._lines, self._name, self._cell, own)

    def hash(self) -> str:
        """SHA-256 of the file, the column and the rows."""
        rows = None if self._places is None else hash_value(self._places.tolist())
        return hash_value([hash_path(self._lines.path), self._name, rows])


class _Rows:
    """Objects of lines, the last one kept: its cells are asked for one after the other."""

    def __init__(self, parse: Callable[[int], dict[str, Any]]) -> None:
        self._parse = parse
        self._last: tuple[int, dict[str, Any]] = (-1, {})

    def __getitem__(self, place: int) -> dict[str, Any]:
        if self._last[0] != place:
            self._last = (place, self._parse(place))
        return self._last[1]


def _cell(rows: _Rows, name: str) -> Callable[[int], Any]:
    return lambda place: rows[place].get(name)


class _Column:
    """Values that are kept as numbers as long as few of them differ.

    Args:
        missing: Rows before the first that has it.
    """

    def __init__(self, missing: int) -> None:
        self._numbers: array[int] | None = array("H", bytes(2 * missing))
        self._known: dict[tuple[type, Any], int] = {(type(None), None): 0}

    def add(self, value: Any) -> None:
        if self._numbers is None:
            return
        plain = isinstance(value, str | int | float | bool | None)
        if not plain or (isinstance(value, str) and len(value) > LONGEST_VALUE):
            self._numbers = None
            return
        # True, 1 and 1.0 are equal, and not the same.
        number = self._known.setdefault((type(value), value), len(self._known))
        self._numbers.append(number)
        if len(self._known) > MOST_VALUES:
            self._numbers = None

    def kept(self) -> list[Any] | None:
        """The values, each a reference; None where they stay in the file."""
        if self._numbers is None:
            return None
        values = [value for _, value in self._known]
        return [values[number] for number in self._numbers]


def _index(path: Path, check: Callable[[int, str], bool]) -> StoredLines:
    """Where the lines of a file are of which `check`, given number and text, says that they count.

    Blank lines at the end never do.
    """
    require_file(path)
    bounds = array("q")
    position, blank = 0, 0

    def read_line(most: int) -> bytes:
        nonlocal position
        content = file.readline(most)
        position += len(content)
        return content

    try:
        with path.open("rb") as file:
            state = _state(file)
            before = 0
            for number, text in enumerate(decode_lines(read_line, str(path)), 1):
                line = text.removesuffix("\n").removesuffix("\r")
                if not line:
                    blank += 1
                else:
                    for earlier in range(number - blank, number):
                        _count(bounds, before, before, check(earlier, ""))
                    blank = 0
                    _count(bounds, before, position, check(number, line))
                before = position
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None
    if not bounds:
        raise InputError(f"{path}: the file is empty")
    return StoredLines(path, np.frombuffer(bounds, np.int64).reshape(-1, 2), state)


def _state(file: io.BufferedReader) -> tuple[int, int, int]:
    """What changes with an open file."""
    found = os.fstat(file.fileno())
    return found.st_ino, found.st_size, found.st_mtime_ns


def _count(bounds: "array[int]", start: int, end: int, counts: bool) -> None:
    if counts:
        bounds.extend((start, end))
