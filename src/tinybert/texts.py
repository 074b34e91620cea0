"""The texts that `predict` is given, on the line or in a file."""

from collections.abc import Sequence
from pathlib import Path

from tinybert.data.lines import read_lines
from tinybert.errors import InputError
from tinybert.tasks.base import Text


def read_texts(texts: Sequence[str], file: str | None, pair: bool) -> list[Text]:
    """Texts from a command line.

    Args:
        texts: As given.
        file: One text a line, a pair joined by a tab.
        pair: Whether `texts` are the two of one pair.

    Raises:
        InputError: There are none, or too many of them, or the file can't be read.

    Example:
        >>> read_texts(["a man", "a woman"], None, pair=True)
        [('a man', 'a woman')]
    """
    if bool(texts) == bool(file):
        raise InputError("give either texts or --file, not both" if texts else "no TEXT, no --file")
    if file is not None:
        return _from_file(Path(file))
    if not pair:
        return list(texts)
    if len(texts) != 2:
        raise InputError(f"--pair takes two texts, got {len(texts)}")
    return [(texts[0], texts[1])]


def _from_file(path: Path) -> list[Text]:
    lines = read_lines(path)
    rows: list[Text] = []
    for number, line in enumerate(lines, start=1):
        parts = line.split("\t")
        if len(parts) > 2:
            raise InputError(f"{path}: line {number}: {len(parts)} texts; a pair is two")
        rows.append((parts[0], parts[1]) if len(parts) == 2 else line)
    return rows
