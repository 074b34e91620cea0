"""Text files as lines, whatever wrote them: BOM, CRLF and blank lines at the end are no matter."""

from pathlib import Path

from tinybert.errors import InputError


def read_text(path: Path) -> str:
    """A whole UTF-8 file, without a byte order mark.

    Raises:
        InputError: The file can't be read, is empty or is no UTF-8 text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None
    if (nul := content.find(b"\0")) >= 0:
        raise InputError(f"{path}: line {_line(content, nul)}: binary content; expected UTF-8 text")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = _line(content, error.start)
        raise InputError(f"{path}: line {line}: not UTF-8; save the file as UTF-8") from None
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


def _line(content: bytes, offset: int) -> int:
    return content.count(b"\n", 0, offset) + 1
