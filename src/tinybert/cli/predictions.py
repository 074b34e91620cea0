"""Predictions as they are made: of any number of texts, to the screen or to a file."""

import csv
import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from tinybert.base.errors import InputError
from tinybert.base.files import atomic_path
from tinybert.runtime.model import Model
from tinybert.tasks.task import Prediction, Row, Task, Text

_TSV_CUTS = {*"\t\r\n"}

CHUNK = 1024
"""Texts read at once: enough that those of like length find one another."""


def predict_all(model: Model, texts: Iterable[Text | Row]) -> Iterator[Prediction]:
    """Predictions of any number of texts, in order, some in memory at a time.

    Args:
        model: It predicts.
        texts: Sentences, pairs or rows, read as they are needed.

    Raises:
        InputError: The model can't predict, or a text is not what it reads.
    """
    rest = iter(texts)
    while rows := list(itertools.islice(rest, CHUNK)):
        yield from model(rows)


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


def write_predictions(target: Path, predictions: Iterable[Prediction], task: Task) -> int:
    """Writes predictions as they come; the file appears when all of them are there.

    Args:
        target: .jsonl, an object a line as `predict --json` has them; .csv or .tsv, a table with
            a header: the label and its score, the value, or what else the task says.
        predictions: In order.
        task: Whose predictions they are.

    Returns:
        How many there were.

    Raises:
        InputError: A cell has a tab or a line end in it, which .tsv has no way to write.
    """
    with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as to:
        write = WRITERS[target.suffix](to, task)
        count = 0
        for prediction in predictions:
            try:
                write(prediction, count + 1)
            except csv.Error:
                cells = (cell for row in task.cells(prediction, 1) for cell in row.items())
                name, cell = next(each for each in cells if not _TSV_CUTS.isdisjoint(str(each[1])))
                raise InputError(
                    f"--out {target}: a {name} has a tab or a line end in it: {cell!r}; write .csv "
                    "or .jsonl"
                ) from None
            count += 1
    return count


Write = Callable[[Prediction, int], Any]
"""Writes a prediction; the number is that of its text, from 1."""


def _json_lines(file: IO[str], task: Task) -> Write:
    return lambda prediction, _: file.write(json.dumps(prediction, ensure_ascii=False) + "\n")


def _comma_separated(file: IO[str], task: Task) -> Write:
    return _table(csv.writer(file, lineterminator="\n"), task)


def _tab_separated(file: IO[str], task: Task) -> Write:
    # As our reader takes it: a quote is a character like any other.
    return _table(
        csv.writer(
            file, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None
        ),
        task,
    )


def _table(writer: Any, task: Task) -> Write:
    """Rows below a header that the first of them gives."""
    header: list[str] = []

    def write(prediction: Prediction, number: int) -> None:
        for cells in task.cells(prediction, number):
            if not header:
                header.extend(cells)
                writer.writerow(header)
            writer.writerow(cells.values())

    return write


WRITERS: dict[str, Callable[[IO[str], Task], Write]] = {
    ".jsonl": _json_lines,
    ".csv": _comma_separated,
    ".tsv": _tab_separated,
}
"""The formats of files of predictions, by suffix."""
