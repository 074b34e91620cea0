"""Tables in text: .tsv as GLUE writes it, and .csv."""

import csv
import io
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tinybert.base.errors import InputError, short
from tinybert.data.lines import read_lines, read_text
from tinybert.data.table import Table, separator_hint

logger = logging.getLogger(__name__)


def read_tsv(
    path: Path, header: Sequence[str] | None = None, *, skip_broken: bool = False
) -> Table:
    """Reads tab-separated values; a quote is a character like any other.

    Cells that look as if quotes had been put around them, as CSV does, are read as they stand too,
    and a warning names the first.

    Args:
        path: The file.
        header: The column names, where the file has no header row.
        skip_broken: Leave out rows of too few or too many columns, and say how many.

    Raises:
        InputError: The file is no such table; the message names the row.
    """
    rows = [line.split("\t") for line in read_lines(path)]
    _warn_of_quotes(path, rows)
    return _table(path, rows, header, skip_broken)


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
        # A quoted cell that ends at another separator is where strict reading stops.
        header = rows[0] if rows else [text.partition("\n")[0]]
        hint = separator_hint(str(path), header)
        raise InputError(f"{path}: row {len(rows) + 1}: not CSV: {error}{hint}") from None
    while rows and not rows[-1]:
        rows.pop()
    return _table(path, rows, None)


def _table(
    path: Path,
    rows: list[list[str]],
    header: Sequence[str] | None,
    skip_broken: bool = False,
) -> Table:
    numbered = list(enumerate(rows, 1))
    if header is None:
        header = numbered.pop(0)[1]
        check_header(path, header)
    broken = [number for number, row in numbered if len(row) != len(header)]
    if broken and skip_broken:
        logger.warning(
            "%s: leaving out %d rows that don't have %d columns, the first is row %d",
            path,
            len(broken),
            len(header),
            broken[0],
        )
        numbered = [(number, row) for number, row in numbered if len(row) == len(header)]
    elif broken:
        check_width(path, header, rows[broken[0] - 1], broken[0])
    if not numbered:
        raise InputError(f"{path}: has a header but no rows")
    columns = {name: [row[index] for _, row in numbered] for index, name in enumerate(header)}
    return Table(columns, str(path), [number for number, _ in numbered])


def check_header(path: Path, header: Sequence[str]) -> None:
    """Refuses names of columns of which two are the same.

    Raises:
        InputError: They are.
    """
    repeated = sorted(name for name, times in Counter(header).items() if times > 1)
    if repeated:
        raise InputError(f"{path}: row 1: column {short(repeated[0])} is there more than once")


def check_width(path: Path, header: Sequence[str], row: Sequence[str], number: int) -> None:
    """Refuses a row that has not as many cells as the header.

    Args:
        path: The file, for messages.
        header: The names of the columns.
        row: Its cells.
        number: Of the row, for messages.

    Raises:
        InputError: It has more or fewer.
    """
    if len(row) != len(header):
        raise InputError(
            f"{path}: row {number}: expected {len(header)} columns, got {len(row)}"
            f"{separator_hint(str(path), header)}{_quoting_hint(path, row)}"
        )


def _quoting_hint(path: Path, row: Sequence[str]) -> str:
    """Warns of a row of a .tsv that a tab or a line end within quotes has cut."""
    cut = any(cell.count('"') % 2 and '"' in (cell[:1], cell[-1:]) for cell in row)
    if not cut or path.suffix != ".tsv":
        return ""
    return " (a quoted tab or line end? quotes mean nothing in .tsv; save it as .csv)"


def _warn_of_quotes(path: Path, rows: list[list[str]]) -> None:
    """Warns of what a CSV writer with tabs for commas has made, whose quotes stay in the texts."""
    for number, row in enumerate(rows, 1):
        if any(map(_has_doubled_quotes, row)) or (number == 1 and all(map(_is_quoted, row))):
            logger.warning(
                "%s: row %d: looks quoted as in CSV, and quotes in .tsv are read as they stand; "
                "save it without them, or as .csv",
                path,
                number,
            )
            return


def _is_quoted(cell: str) -> bool:
    return len(cell) > 1 and cell[0] == cell[-1] == '"'


def _has_doubled_quotes(cell: str) -> bool:
    """Whether a cell is in quotes and those within are all doubled: no writer of prose does so."""
    inner = cell[1:-1]
    return _is_quoted(cell) and '""' in inner and '"' not in inner.replace('""', "")
