"""Predictions as they are made: of any number of texts, to the screen or to a file."""

import csv
import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tinybert.base.errors import InputError
from tinybert.base.files import atomic_path
from tinybert.runtime.model import Model
from tinybert.tasks.rows import as_row, row_text, text_parts
from tinybert.tasks.task import Prediction, Row, Task, Text

_TSV_CUTS = {*"\t\r\n"}

CHUNK = 1024
"""Texts read at once: enough that those of like length find one another."""


Answered = tuple[Text | Row, Prediction]
"""A text with what a model says of it."""


def predict_all(model: Model, texts: Iterable[Text | Row]) -> Iterator[Answered]:
    """Any number of texts with their predictions, in order, some in memory at a time.

    Args:
        model: It predicts.
        texts: Sentences, pairs or rows, read as they are needed.

    Raises:
        InputError: The model can't predict, or a text is not what it reads.
    """
    rest = iter(texts)
    while rows := list(itertools.islice(rest, CHUNK)):
        yield from zip(rows, model(rows), strict=True)


def check_target(target: str, file: str | None) -> None:
    """Refuses, before anything is loaded, a file that predictions can't be written to.

    Args:
        target: Where they shall go.
        file: Where the texts come from.

    Raises:
        InputError: Its format is not known, it is a folder, or the texts lie there.
    """
    path = Path(target)
    if path.suffix not in WRITERS:
        raise InputError(
            f"--out {target}: unknown format {path.suffix!r}; known: {', '.join(WRITERS)}"
        )
    if path.is_dir():
        raise InputError(f"--out {target}: is a folder; name a file")
    if file is not None and os.path.realpath(file) == os.path.realpath(target):
        raise InputError(f"--out {target}: the texts lie there; name another file")


def write_predictions(
    target: Path, answered: Iterable[Answered], task: Task, columns: Sequence[str]
) -> int:
    """Writes predictions as they come; the file appears when all of them are there.

    Args:
        target: .jsonl, an object a line as `predict --json` has them; .csv or .tsv, a table with
            a header: the text, and the label and its score, the value, or what else the task says.
        answered: Texts and predictions, in order.
        task: Whose predictions they are.
        columns: The names of the texts in a table.

    Returns:
        How many there were.

    Raises:
        InputError: A cell has a tab or a line end in it, which .tsv has no way to write.
    """
    with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as to:
        table = Cells(task, tuple(columns))
        write = WRITERS[target.suffix](to, table)
        count = 0
        for each in answered:
            try:
                write(each, count + 1)
            except csv.Error:
                cells = (cell for row in table.rows(each, 1) for cell in row.items())
                name, cell = next(each for each in cells if not _TSV_CUTS.isdisjoint(str(each[1])))
                raise InputError(
                    f"--out {target}: a cell of {name} has a tab or a line end in it: {cell!r}; "
                    "write .csv or .jsonl"
                ) from None
            count += 1
    return count


@dataclass(frozen=True)
class Cells:
    """What stands in a table of predictions.

    Attributes:
        task: Whose predictions they are.
        columns: The names of the texts.
    """

    task: Task
    columns: tuple[str, ...]

    def rows(self, answered: Answered, number: int) -> list[dict[str, Any]]:
        """The rows that a text becomes: with the text where that is one row, else its number."""
        given, prediction = answered
        rows = self.task.cells(prediction, number)
        if self.task.reads == "all":
            return rows
        parts = text_parts(row_text(as_row(given)))
        names = self.columns if len(self.columns) == len(parts) else ("text", "pair")
        return [{**dict(zip(names, parts, strict=False)), **row} for row in rows]


Write = Callable[[Answered, int], Any]
"""Writes a prediction; the number is that of its text, from 1."""


def _json_lines(file: IO[str], table: Cells) -> Write:
    return lambda answered, _: file.write(json.dumps(answered[1], ensure_ascii=False) + "\n")


def _comma_separated(file: IO[str], table: Cells) -> Write:
    return _table(csv.writer(file, lineterminator="\n"), table)


def _tab_separated(file: IO[str], table: Cells) -> Write:
    # As our reader takes it: a quote is a character like any other.
    return _table(
        csv.writer(
            file, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None
        ),
        table,
    )


def _table(writer: Any, table: Cells) -> Write:
    """Rows below a header that the first of them gives."""
    header: list[str] = []

    def write(answered: Answered, number: int) -> None:
        for cells in table.rows(answered, number):
            if not header:
                header.extend(cells)
                writer.writerow(header)
            writer.writerow(cells.values())

    return write


WRITERS: dict[str, Callable[[IO[str], Cells], Write]] = {
    ".jsonl": _json_lines,
    ".csv": _comma_separated,
    ".tsv": _tab_separated,
}
"""The formats of files of predictions, by suffix."""
