"""Parquet files, through pyarrow."""

from pathlib import Path

from tinybert.data.table import Table
from tinybert.errors import InputError, missing_extra


def read_parquet(path: Path) -> Table:
    """Reads every column of a Parquet file.

    Raises:
        InputError: The file is no whole Parquet file, has no rows, or pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise missing_extra("pyarrow", "parquet", f"to read {path}") from None
    try:
        # Through ParquetFile: read_table would also take columns from the folders' names.
        with pyarrow.parquet.ParquetFile(path) as file:
            table = file.read()
    except (OSError, pyarrow.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not a whole Parquet file: {reason}") from None
    names = table.column_names
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"{path}: column {repeated[0]!r} is there more than once")
    if not table.num_rows:
        raise InputError(f"{path}: has no rows")
    return Table(table.to_pydict(), str(path))
