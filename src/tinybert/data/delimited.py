"""Tables in text: .tsv as GLUE writes it, and .csv."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from tinybert.data.lines import read_lines, read_text
from tinybert.data.table import Table
from tinybert.errors import InputError


def read_tsv(path: Path, header: Sequence[str] | None = None) -> Table:
    """Reads tab-separated values; a quote is a character like any other.

    Args:
        path: The file.
        header: The column names, where the file has no header row.

    Raises:
        InputError: The file is no such table; the message names the row.
    """
    return _table(path, [line.split("\t") for line in read_lines(path)], header)


def read_csv(path: Path) -> Table:
    """Reads comma-separated values with a header row; quoted values may span lines.

    Raises:
        InputError: The file is no such table; the message names the row.
    """
    text = read_text(path)
    # The module's own limit (131,072 characters a value) is shorter than some articles.
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    rows: list[list[str]] = []
    try:
        rows.extend(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise InputError(f"{path}: row {len(rows) + 1}: not CSV: {error}") from None
    while rows and not rows[-1]:
        rows.pop()
    return _table(path, rows, header=None)


def _table(path: Path, rows: list[list[str]], header: Sequence[str] | None) -> Table:
    first_row = 1
    if header is None:
        header, *rows = rows
        first_row = 2
        repeated = sorted({name for name in header if list(header).count(name) > 1})
        if repeated:
            raise InputError(f"{path}: row 1: column {repeated[0]!r} is there more than once")
    if not rows:
        raise InputError(f"{path}: has a header but no rows")
    for number, row in enumerate(rows, first_row):
        if len(row) != len(header):
            raise InputError(
                f"{path}: row {number}: expected {len(header)} columns, got {len(row)}"
            )
    columns = {name: [row[index] for row in rows] for index, name in enumerate(header)}
    return Table(columns, str(path), first_row)
