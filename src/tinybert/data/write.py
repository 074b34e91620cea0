"""Writing tables: .tsv, .csv, .jsonl and .parquet, as they are read."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tinybert.base.errors import InputError, missing_extra, said, short
from tinybert.base.files import atomic_path

Columns = Mapping[str, Sequence[Any]]
"""The cells of each column, all of the same number."""

_TSV_CUTS = {*"\t\r\n"}


def write_table(target: Path, columns: Columns) -> None:
    """Writes a table; the file appears when it is whole.

    Args:
        target: Its ending says the format.
        columns: Name to cells; an empty cell is None.

    Raises:
        InputError: The format is not known, or can't hold a cell.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "rows.tsv"
        >>> write_table(target, {"text": ["a film"], "label": [1]})
        >>> target.read_text()
        'text\\tlabel\\na film\\t1\\n'
    """
    check_format(target)
    with atomic_path(target) as temporary:
        _WRITERS[target.suffix](temporary, columns, str(target))


def check_format(target: Path) -> None:
    """Refuses a file of a format that tables can't be written in, or what is no file.

    Raises:
        InputError: It is.
    """
    if target.suffix not in _WRITERS:
        raise InputError(
            f"{target}: unknown format {short(target.suffix)}; known: {', '.join(_WRITERS)}"
        )
    if target.is_dir():
        raise InputError(f"{target}: is a folder; name a file")
    if target.suffix == ".parquet":
        _require_pyarrow(str(target))


def _rows(columns: Columns) -> Iterator[tuple[Any, ...]]:
    return zip(*columns.values(), strict=True)


def _flat(name: str, cell: Any, target: str) -> str:
    """A cell as text."""
    if cell is None:
        return ""
    if isinstance(cell, list | tuple | dict):
        raise InputError(
            f"{target}: column {short(name)} has lists, which a table of text can't hold: write "
            ".jsonl or .parquet"
        )
    return str(cell)


def _text(quoted: bool) -> Callable[[Path, Columns, str], None]:
    def write(path: Path, columns: Columns, target: str) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer: Any = (
                csv.writer(file, lineterminator="\n")
                if quoted
                else csv.writer(  # as our reader takes it: a quote is a character like any other
                    file,
                    delimiter="\t",
                    lineterminator="\n",
                    quoting=csv.QUOTE_NONE,
                    quotechar=None,
                )
            )
            for number, row in enumerate([tuple(columns), *_rows(columns)]):
                cells = [_flat(name, cell, target) for name, cell in zip(columns, row, strict=True)]
                if not quoted:
                    _check_tsv(columns, cells, f"{target}: row {number + 1}")
                writer.writerow(cells)

    return write


def _check_tsv(names: Columns, cells: Sequence[str], where: str) -> None:
    for name, cell in zip(names, cells, strict=True):
        if not _TSV_CUTS.isdisjoint(cell):
            raise InputError(
                f"{where}: a cell of {short(name)} has a tab or a line end in it: {short(cell)}; "
                "write .csv or .jsonl"
            )


def _json_lines(path: Path, columns: Columns, target: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        for number, row in enumerate(_rows(columns), 1):
            try:
                line = json.dumps(
                    dict(zip(columns, row, strict=True)), ensure_ascii=False, allow_nan=False
                )
            except (TypeError, ValueError) as error:
                raise InputError(
                    f"{target}: row {number}: JSON can't hold it ({said(error)}); write .parquet"
                ) from None
            file.write(f"{line}\n")


def _parquet(path: Path, columns: Columns, target: str) -> None:
    import pyarrow
    import pyarrow.parquet

    made = {}
    for name, cells in columns.items():
        try:
            made[name] = pyarrow.array(list(cells))
        except pyarrow.ArrowException as error:
            raise InputError(
                f"{target}: column {short(name)} can't be written: {said(error)}; write .jsonl"
            ) from None
    pyarrow.parquet.write_table(pyarrow.table(made), path)


def _require_pyarrow(target: str) -> None:
    import importlib.util

    if importlib.util.find_spec("pyarrow") is None:
        raise missing_extra("pyarrow", "parquet", f"to write {target}")


_WRITERS: dict[str, Callable[[Path, Columns, str], None]] = {
    ".csv": _text(quoted=True),
    ".jsonl": _json_lines,
    ".parquet": _parquet,
    ".tsv": _text(quoted=False),
}
"""The formats of tables, by suffix."""
