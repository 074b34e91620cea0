"""A corpus: passages of plain text, read as a stream from files and hub data sets."""

import glob
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tinybert.base.errors import InputError, cut, short
from tinybert.base.files import hash_path, hash_value, require_file
from tinybert.data.hub import hub_revision, may_be_hub_id, stream_hub
from tinybert.data.jsonl import parse_object
from tinybert.data.lines import stream_lines
from tinybert.data.parquet import open_parquet

PARQUET_ROWS = 1024
"""Rows read at a time; pyarrow's 65,536 long passages would be gigabytes."""


def corpus_files(sources: Sequence[str]) -> list[Path | str]:
    """What sources stand for: the path of a file, the name of a hub data set.

    Args:
        sources: Each a .txt, .jsonl or .parquet file, the first two also with .gz; a pattern of
            such files (`*`, `**`, `?`, `[...]`), which stands for them in order of their names;
            or a hub id ("org/name" or "org/name:config"). What is named twice is there twice.

    Raises:
        InputError: There is no such file, or its format is not known.

    Example:
        >>> corpus_files(["org/name:config"])
        ['org/name:config']
    """
    parts: list[Path | str] = []
    for source in sources:
        if not os.path.exists(source) and may_be_hub_id(source, _READERS):
            parts.append(source)
        else:
            parts += _matches(source)
    return parts


def read_corpus(sources: Sequence[str]) -> Iterator[str]:
    """The passages of a corpus in order: each line or row that is not empty, stripped.

    Of .jsonl, .parquet and hub rows it is the column "text", or the only column of strings.
    Nothing is kept in memory; what is wrong inside a part is found when it is read.

    Args:
        sources: As for `corpus_files`.

    Raises:
        InputError: A part is missing, broken or has no text; the message names the line.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.txt"
        >>> _ = file.write_text("A passage.\\n\\n  Another one.\\n")
        >>> list(read_corpus([str(file)]))
        ['A passage.', 'Another one.']
    """
    return itertools.chain.from_iterable(map(_passages, corpus_files(sources)))


def check_corpus(sources: Sequence[str]) -> None:
    """Reads the first passage of each file, so that what is no text is found before hours of work.

    Args:
        sources: As for `corpus_files`; hub data sets are not asked.

    Raises:
        InputError: A file is missing, empty, or does not begin with text.
    """
    for part in corpus_files(sources):
        if isinstance(part, Path):
            next(_passages(part))


def hash_corpus(sources: Sequence[str]) -> str:
    """SHA-256 that changes with the content, format or order of the parts, or a hub revision.

    Args:
        sources: As for `corpus_files`.

    Raises:
        InputError: A part is missing, or the hub can't be asked.
    """
    return hash_value(
        [
            [part, hub_revision(part)] if isinstance(part, str) else [_format(part), _hash(part)]
            for part in corpus_files(sources)
        ]
    )


def _matches(source: str) -> list[Path]:
    if os.path.exists(source):  # also where the name of a file has a bracket in it
        names = [source]
    elif glob.has_magic(source):
        names = sorted(glob.glob(source, recursive=True))
        if not names:
            raise InputError(f"{source}: no file matches this pattern")
    else:
        raise InputError(f"{source}: no such file")
    paths = [Path(name) for name in names]
    for path in paths:
        if path.is_dir():
            raise InputError(f"{path}: is a folder; name its files, such as {path}/*.txt.gz")
        _format(path)
        require_file(path)
    return paths


def _format(path: Path) -> str:
    for suffix in _READERS:
        if path.name.endswith(suffix):
            return suffix
    raise InputError(f"{path}: unknown format {short(path.suffix)}; known: {', '.join(_READERS)}")


def _hash(path: Path) -> str:
    try:
        return hash_path(path)
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None


def _passages(part: Path | str) -> Iterator[str]:
    texts = _read_hub(part) if isinstance(part, str) else _READERS[_format(part)](part)
    empty = True
    for text in texts:
        if passage := text.strip():
            empty = False
            yield passage
    if empty:
        raise InputError(f"{part}: has no text")


def _read_hub(data: str) -> Iterator[str]:
    rows = enumerate(stream_hub(data), 1)
    return _texts((f"{data}: row {number}", row) for number, row in rows)


def _read_jsonl(path: Path) -> Iterator[str]:
    lines = enumerate(stream_lines(path), 1)
    return _texts(
        (f"{path}: line {number}", parse_object(path, number, line))
        for number, line in lines
        if line.strip()
    )


def _read_parquet(path: Path) -> Iterator[str]:
    with open_parquet(path) as file:
        strings = ("string", "large_string", "string_view")
        columns = {field.name: str(field.type) in strings for field in file.schema_arrow}
        column = _text_column(columns, str(path))
        for batch in file.iter_batches(PARQUET_ROWS, columns=[column]):
            yield from (text for text in batch.column(0).to_pylist() if text is not None)


_READERS: dict[str, Callable[[Path], Iterator[str]]] = {
    ".txt": stream_lines,
    ".txt.gz": stream_lines,
    ".jsonl": _read_jsonl,
    ".jsonl.gz": _read_jsonl,
    ".parquet": _read_parquet,
}


def _texts(rows: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    """The text of each row, given with how messages name it; the first row decides the column."""
    column = None
    for where, row in rows:
        if column is None:
            # One that is null here may hold strings further on.
            columns = {name: isinstance(value, str | None) for name, value in row.items()}
            column = _text_column(columns, where)
        if not isinstance(row.get(column, 0), str | None):
            raise InputError(f"{where}: has no text in column {short(column)}")
        text = row[column] or ""
        try:
            text.encode()
        except UnicodeEncodeError:  # JSON can spell it
            raise InputError(
                f"{where}: half of a surrogate pair in column {short(column)}"
            ) from None
        yield text


def _text_column(columns: Mapping[str, bool], where: str) -> str:
    """The column to read, given the name of each and whether it may hold strings."""
    strings = [name for name, holds_strings in columns.items() if holds_strings]
    if "text" in columns and "text" not in strings:
        raise InputError(f"{where}: column 'text' holds no strings")
    if "text" in columns:
        return "text"
    if len(strings) != 1:
        found = f"several of strings: {cut(', '.join(strings))}" if strings else "none of strings"
        raise InputError(f"{where}: no column 'text', and {found}; name the right one 'text'")
    return strings[0]
