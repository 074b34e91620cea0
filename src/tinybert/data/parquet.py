"""Parquet files, through pyarrow."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tinybert.data.table import Table
from tinybert.errors import InputError, missing_extra


def read_parquet(path: Path) -> Table:
    """Reads every column of a Parquet file.

    Raises:
        InputError: The file is no whole Parquet file, has no rows, or pyarrow is not installed.
    """
    with open_parquet(path) as file:
        table = file.read()
        if not table.num_rows:
            raise InputError(f"{path}: has no rows")
        return Table(table.to_pydict(), str(path))


@contextlib.contextmanager
def open_parquet(path: Path) -> Iterator[Any]:
    """A `pyarrow.parquet.ParquetFile`; what fails while it is open is an error of the file.

    Raises:
        InputError: The file is no whole Parquet file, has a column twice, or pyarrow is missing.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise missing_extra("pyarrow", "parquet", f"to read {path}") from None
    try:
        # Through ParquetFile: read_table would also take columns from the folders' names.
        with pyarrow.parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if repeated := sorted({name for name in names if names.count(name) > 1}):
                raise InputError(f"{path}: column {repeated[0]!r} is there more than once")
            yield file
    except UnicodeDecodeError:
        raise InputError(f"{path}: has text that is not UTF-8") from None
    except (OSError, pyarrow.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not a whole Parquet file: {reason}") from None
