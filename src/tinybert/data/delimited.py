"""Tables in text: .tsv as GLUE writes it, and .csv."""

import csv
import io
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tinybert.data.lines import read_lines, read_text
from tinybert.data.table import Table
from tinybert.errors import InputError, short

logger = logging.getLogger(__name__)


def read_tsv(
    path: Path, header: Sequence[str] | None = None, *, skip_broken: bool = False
) -> Table:
    """Reads tab-separated values; a quote is a character like any other.

    Args:
        path: The file.
        header: The column names, where the file has no header row.
        skip_broken: Leave out rows of too few or too many columns, and say how many.

    Raises:
        InputError: The file is no such table; the message names the row.
    """
    return _table(path, [line.split("\t") for line in read_lines(path)], header, skip_broken)


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
        repeated = sorted(name for name, times in Counter(header).items() if times > 1)
        if repeated:
            raise InputError(f"{path}: row 1: column {short(repeated[0])} is there more than once")
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
        found = len(rows[broken[0] - 1])
        raise InputError(f"{path}: row {broken[0]}: expected {len(header)} columns, got {found}")
    if not numbered:
        raise InputError(f"{path}: has a header but no rows")
    columns = {name: [row[index] for _, row in numbered] for index, name in enumerate(header)}
    return Table(columns, str(path), [number for number, _ in numbered])
