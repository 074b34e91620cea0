"""The texts that `predict` is given: on the line, in a file or on standard input."""

import itertools
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tinybert.base.errors import InputError
from tinybert.data import read
from tinybert.data.conll import DOCUMENT
from tinybert.data.lines import decode_lines, stream_lines
from tinybert.data.read import FORMATS
from tinybert.tasks.task import Row, Task, Text

STDIN = "-"
"""What stands for standard input."""

LINES = (".txt", "")
"""The suffixes of files with a text a line: other formats read so would be answered in silence."""


@dataclass(frozen=True)
class TextInput:
    """What the program is given to predict.

    Attributes:
        texts: Those on the line; a lone "-" is standard input.
        file: A table as training reads it, or .txt with a text a line; "-" is standard input.
        columns: The one or two columns of the table; default: those of the model's task.
        pair: Whether every two of `texts`, or the halves of a line with a tab, are a pair.

    Raises:
        InputError: There are no texts, or the arguments don't go together.
    """

    texts: Sequence[str] = ()
    file: str | None = None
    columns: Sequence[str] = ()
    pair: bool = False

    def __post_init__(self) -> None:
        if bool(self.texts) == bool(self.file):
            raise InputError(
                "give either texts or --file, not both" if self.texts else "no TEXT, no --file"
            )
        if STDIN in self.texts and len(self.texts) > 1:
            raise InputError("'-' is standard input, and stands alone; put such a text in a file")
        if self.columns and not self._is_table:
            raise InputError(
                "--text names columns of a file; lines of text and TEXTs on the line have none"
            )
        if len(self.columns) > 2:
            raise InputError(f"--text: expected one column, or two, got {len(self.columns)}")
        if self.file is not None and self.file != STDIN:
            self._check_file(Path(self.file))

    def _check_file(self, path: Path) -> None:
        if path.is_dir():
            raise InputError(f"{path}: is a folder; --file takes a file")
        if path.suffix not in (*FORMATS, *LINES):
            raise InputError(
                f"{path}: unknown format {path.suffix!r}; known: {', '.join(FORMATS)}, and .txt "
                f"with a text a line (so is standard input: --file - < {path})"
            )

    @property
    def _is_stdin(self) -> bool:
        return STDIN in (self.file, *self.texts)

    @property
    def _is_table(self) -> bool:
        return self.file is not None and Path(self.file).suffix in FORMATS

    def rows(self, task: Task, reads: int | None) -> Iterator[Text | Row]:
        """The texts; those of lines one at a time, so that there may be any number of them.

        Args:
            task: The model's, whose columns a table is expected to have.
            reads: Texts that the model reads as one input; None where that is not known.

        Raises:
            InputError: A file can't be read, a column is missing, a row or a line is not what is
                asked for; the message names it.

        Example:
            >>> from tinybert.tasks import get_task
            >>> task = get_task("glue/mrpc")
            >>> list(TextInput(["a man", "a woman"], pair=True).rows(task, 2))
            [('a man', 'a woman')]
        """
        if self._is_stdin:
            lines = _no_objects(_stdin_lines())
            return _from_lines(lines, "standard input", self.pair or reads == 2, reads)
        if self.file is None:
            return iter(self._on_the_line())
        if self._is_table:
            return iter(self._from_table(task))
        path = Path(self.file)
        if has_tags(itertools.islice(stream_lines(path), 100), certain=task.reads != "all"):
            raise InputError(
                f"{path}: its lines are words with tags, no texts; name it {path.stem}.conll"
            )
        return _from_lines(stream_lines(path), str(path), self.pair or reads == 2, reads)

    def _on_the_line(self) -> list[Text]:
        if not self.pair:
            return list(self.texts)
        if len(self.texts) % 2:
            raise InputError(f"--pair: two texts make a pair, got {len(self.texts)}")
        return list(zip(self.texts[::2], self.texts[1::2], strict=True))

    def _from_table(self, task: Task) -> Sequence[Row]:
        assert self.file is not None
        table = read(self.file)
        columns = tuple(self.columns or task.text_columns(table))
        if not self.columns and (
            missing := [name for name in columns if name not in table.columns]
        ):
            raise InputError(
                f"{table.no_column(missing[0])}; name the column of the texts by --text"
            )
        if self.pair and len(columns) == 1:
            raise InputError(f"--pair: {self.file} is read by one column; give --text twice")
        return replace(task, text=columns).rows(table)


def _stdin_lines() -> Iterator[str]:
    if sys.stdin is None:
        raise InputError("standard input is closed")
    return decode_lines(sys.stdin.buffer.readline, "standard input")


def _no_objects(lines: Iterable[str]) -> Iterator[str]:
    """Lines as they are, unless the first is an object: rows of .jsonl, not texts.

    Raises:
        InputError: It is.
    """
    for number, line in enumerate(lines):
        if number == 0 and _is_object(line):
            raise InputError(
                "standard input: line 1 is a JSON object, and lines are read as texts; put rows of "
                ".jsonl in a file: --file F.jsonl --text COLUMN (texts that look so, in a .txt)"
            )
        yield line


def _is_object(line: str) -> bool:
    try:
        return line.lstrip()[:1] == "{" and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _from_lines(
    lines: Iterable[str], source: str, splits: bool, reads: int | None
) -> Iterator[Text]:
    """A text a line, or where the line `splits`, a pair that a tab parts."""
    number = 0
    for number, line in enumerate(_whole_lines(lines), start=1):
        first, *others = line.split("\t")
        if splits and len(others) == 1:
            yield first, others[0]
        elif splits:
            raise InputError(
                f"{source}: line {number}: expected a pair, two texts with a tab between, got "
                f"{1 + len(others)}"
            )
        elif others and reads is None:
            raise InputError(
                f"{source}: line {number}: has a tab, and config.json does not say whether the "
                "model reads pairs: give --pair if they are two texts, else put a blank there"
            )
        else:
            yield line
    if not number:
        raise InputError(f"{source}: is empty")


def _whole_lines(lines: Iterable[str]) -> Iterator[str]:
    """Lines without their ends; blank ones count as texts unless no other follows."""
    blank = 0
    for line in lines:
        line = line.removesuffix("\n").removesuffix("\r")
        if not line:
            blank += 1
            continue
        yield from [""] * blank
        blank = 0
        yield line


_TAG = re.compile(r"O|[BILUES]-.+")


def has_tags(lines: Iterable[str], *, certain: bool = False) -> bool:
    """Whether lines are of a word and its tag each, which would be read as texts.

    Args:
        lines: The first of a file.
        certain: Whether only what no text would have counts: CoNLL's line of a document's begin.
    """
    cells = [line.split() for line in lines if line.strip()]
    if not cells or cells[0][0] == DOCUMENT:
        return bool(cells)
    return not certain and all(len(row) > 1 and _TAG.fullmatch(row[-1]) for row in cells)
