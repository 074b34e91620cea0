"""Predictions as they are made: of any number of texts, to the screen or to a file."""

import csv
import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from tinybert.base.errors import InputError
from tinybert.base.files import atomic_path
from tinybert.runtime.model import Model
from tinybert.tasks.task import Prediction, Text

CHUNK = 1024
"""Texts read at once: enough that those of like length find one another."""


def predict_all(model: Model, texts: Iterable[Text]) -> Iterator[Prediction]:
    """Predictions of any number of texts, in order, some in memory at a time.

    Args:
        model: It predicts.
        texts: Sentences or pairs, read as they are needed.

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


def write_predictions(
    target: Path,
    predictions: Iterable[Prediction],
    cells: Callable[[Prediction], Mapping[str, Any]] | None = None,
) -> int:
    """Writes predictions as they come; the file appears when all of them are there.

    Args:
        target: .jsonl, an object a line as `predict --json` has them; .csv or .tsv, a table with
            a header.
        predictions: In order.
        cells: What of a prediction stands in a table: the label and its score, or the value, or
            what else the task says; default: all but the scores of every label.

    Returns:
        How many there were.

    Raises:
        InputError: A label has a tab or a line end in it, which .tsv has no way to write.
    """
    with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as to:
        write = WRITERS[target.suffix](to, cells or _cells)
        count = 0
        for prediction in predictions:
            try:
                write(prediction)
            except csv.Error:
                raise InputError(
                    f"--out {target}: a label has a tab or a line end in it: "
                    f"{next(iter(prediction.values()))!r}; write .csv or .jsonl"
                ) from None
            count += 1
    return count


Write = Callable[[Prediction], Any]


Cells = Callable[[Prediction], Mapping[str, Any]]


def _json_lines(file: IO[str], cells: Cells) -> Write:
    return lambda prediction: file.write(json.dumps(prediction, ensure_ascii=False) + "\n")


def _comma_separated(file: IO[str], cells: Cells) -> Write:
    return _table(csv.writer(file, lineterminator="\n"), cells)


def _tab_separated(file: IO[str], cells: Cells) -> Write:
    # As our reader takes it: a quote is a character like any other.
    writer = csv.writer(
        file, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None
    )
    return _table(writer, cells)


def _table(writer: Any, cells: Cells) -> Write:
    """Rows below a header that the first of them gives."""
    header: list[str] = []

    def write(prediction: Prediction) -> None:
        row = cells(prediction)
        if not header:
            header.extend(row)
            writer.writerow(header)
        writer.writerow(row.values())

    return write


def _cells(prediction: Prediction) -> dict[str, Any]:
    """What of a prediction fits in a table: all but the scores of every label."""
    return {name: value for name, value in prediction.items() if not isinstance(value, dict)}


WRITERS: dict[str, Callable[[IO[str], Cells], Write]] = {
    ".jsonl": _json_lines,
    ".csv": _comma_separated,
    ".tsv": _tab_separated,
}
"""The formats of files of predictions, by suffix."""
