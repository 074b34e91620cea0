"""A .csv larger than memory: its rows, each perhaps many lines, as lines of a file of ours."""

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tinybert.base.cache_folder import cache_root
from tinybert.base.errors import InputError
from tinybert.base.files import atomic_path, hash_path
from tinybert.base.locks import one_at_a_time
from tinybert.data.delimited import check_header, check_width
from tinybert.data.lines import LONGEST_LINE, stream_lines
from tinybert.data.stored import open_jsonl
from tinybert.data.table import Table, separator_hint


def open_csv(path: Path) -> Table:
    """The rows of a .csv, as `read_csv` gives them.

    They are written once as .jsonl below the folder that all runs share, named by the content.

    Raises:
        InputError: The file is no such table, or its rows can't be kept; the message names the row.
    """
    folder = cache_root() / "rows"
    spool = folder / f"{hash_path(path)[:20]}.jsonl"
    try:
        with one_at_a_time(spool):
            if not spool.exists():
                with atomic_path(spool) as temporary, temporary.open("w", encoding="utf-8") as file:
                    file.writelines(_lines(path))
    except OSError as error:
        raise InputError(
            f"{folder}: can't keep the rows of {path} there ({error.strerror}); make room, or name "
            "another folder in TINYBERT_CACHE"
        ) from None
    table = open_jsonl(spool)
    return replace(table, source=str(path), numbers=range(2, len(table) + 2))


def _lines(path: Path) -> Iterator[str]:
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_LINE))
    header: list[str] = []
    number, empty = 0, 0
    try:
        for number, row in enumerate(csv.reader(stream_lines(path), strict=True), 1):
            if number == 1:
                header = row
                check_header(path, header)
            elif not row:
                empty += 1
            elif empty:  # empty rows count unless they are the last ones
                check_width(path, header, [], number - empty)
            else:
                check_width(path, header, row, number)
                yield json.dumps(dict(zip(header, row, strict=True))) + "\n"
    except csv.Error as error:
        hint = separator_hint(str(path), header)
        raise InputError(f"{path}: row {number + 1}: not CSV: {error}{hint}") from None
    if number - empty < 2:
        raise InputError(f"{path}: has a header but no rows")
