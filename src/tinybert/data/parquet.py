"""Parquet files, through pyarrow."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tinybert.base.errors import InputError, missing_extra, said, short
from tinybert.base.files import require_file
from tinybert.data.table import Table


def read_parquet(path: Path) -> Table:
    """Reads every column of a Parquet file.

    Raises:
        InputError: The file is no whole Parquet file, has no rows, or pyarrow is not installed.
    """
    with open_parquet(path) as file:
        table = file.read()
        if not table.num_rows:
            raise InputError(f"{path}: has no rows")
        columns = zip(table.column_names, table.columns, strict=True)
        return Table({name: _values(column) for name, column in columns}, str(path))


def _values(column: Any) -> list[Any]:
    """The values of a column; as numbers where Python has no such value, as of the year 300,000.

    No task reads such columns, but they lie beside those that are read.
    """
    import pyarrow

    try:
        return column.to_pylist()
    except UnicodeDecodeError:
        raise
    except (ValueError, OverflowError, LookupError, pyarrow.ArrowException):
        bits = pyarrow.int64() if column.type.bit_width == 64 else pyarrow.int32()
        return column.cast(bits).to_pylist()


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
    require_file(path)
    try:
        # Through ParquetFile: read_table would also take columns from the folders' names.
        with pyarrow.parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if repeated := sorted(name for name, times in Counter(names).items() if times > 1):
                raise InputError(f"{path}: column {short(repeated[0])} is there more than once")
            yield file
    except UnicodeDecodeError:
        raise InputError(f"{path}: has text that is not UTF-8") from None
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{path}: not a whole Parquet file: {said(error)}") from None
