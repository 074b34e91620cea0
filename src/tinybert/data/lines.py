"""Text files as lines, whatever wrote them: BOM, CRLF and blank lines at the end are no matter."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from tinybert.base.errors import InputError
from tinybert.base.files import require_file

LONGEST_LINE = 1 << 26
"""Bytes of a passage: a few packed kilobytes can stand for gigabytes of one line."""


def read_text(path: Path) -> str:
    """A whole UTF-8 file, without a byte order mark.

    Raises:
        InputError: The file can't be read, is empty or is no UTF-8 text.
    """
    require_file(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None
    text = _decode(content, path)
    if not text.strip():
        raise InputError(f"{path}: the file is empty")
    return text


def read_lines(path: Path) -> list[str]:
    """The lines of a text file without their line ends.

    Raises:
        InputError: As for `read_text`.
    """
    # str.splitlines would also break at U+2028, U+0085 and others, which texts contain.
    lines = [line.removesuffix("\r") for line in read_text(path).split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def stream_lines(path: Path) -> Iterator[str]:
    """The lines of a text file, with their line ends, one at a time in memory.

    Args:
        path: The file; gzipped if its name ends in .gz.

    Raises:
        InputError: The file can't be read or unpacked, or a line is no UTF-8 text.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.txt.gz"
        >>> _ = file.write_bytes(gzip.compress(b"one\\ntwo\\n"))
        >>> list(stream_lines(file))
        ['one\\n', 'two\\n']
    """
    require_file(path)
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(decode_lines(file.readline, str(path)), 1):  # noqa: B007
                yield line
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise InputError(f"{path}: not a whole gzip file; broken after line {number}") from None
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None


def decode_lines(read_line: Callable[[int], bytes], source: str) -> Iterator[str]:
    """UTF-8 lines as text, with their line ends, one at a time in memory.

    Args:
        read_line: Such as `sys.stdin.buffer.readline`.
        source: Names it in messages.

    Raises:
        InputError: A line is no UTF-8 text, or longer than `LONGEST_LINE`.

    Example:
        >>> import io
        >>> list(decode_lines(io.BytesIO(b"one\\ntwo").readline, "standard input"))
        ['one\\n', 'two']
    """
    number = 0
    while content := read_line(LONGEST_LINE):
        number += 1
        if len(content) == LONGEST_LINE:
            raise InputError(
                f"{source}: line {number}: is longer than {LONGEST_LINE:,} bytes; "
                "expected a passage a line"
            )
        yield _decode(content, source, number)


def _decode(content: bytes, path: Path | str, line: int = 1) -> str:
    """UTF-8 bytes as text; `line` is the number of their first line in the file."""
    if (nul := content.find(b"\0")) >= 0:
        line += content.count(b"\n", 0, nul)
        raise InputError(f"{path}: line {line}: binary content; expected UTF-8 text")
    try:
        return content.decode("utf-8-sig" if line == 1 else "utf-8")
    except UnicodeDecodeError as error:
        line += content.count(b"\n", 0, error.start)
        raise InputError(f"{path}: line {line}: not UTF-8; save the file as UTF-8") from None
