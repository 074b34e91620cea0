"""What a recipe says of soft labels: columns of its training rows, or of a file beside them."""

from collections.abc import Mapping, Sequence

from tinybert.base.errors import InputError, cut, short
from tinybert.data import Table, read
from tinybert.tasks.soft_labels import probability
from tinybert.tasks.task import Task

Given = str | Sequence[str] | Mapping[str, str]
"""As `data.soft_labels` has them: a file, columns that are called as their labels, or columns by
label."""

_SCORES = "scores"
_SAID = ("label", "labels", "score", _SCORES)
"""What else `tinybert predict` says of a row."""


def join_soft_labels(task: Task, table: Table, given: Given) -> tuple[Task, Table]:
    """The task that knows where soft labels are, and the training rows, which have them.

    Args:
        task: Of the rows.
        table: The rows.
        given: Where they are.

    Raises:
        InputError: A file can't be read or has other rows, a column is not there, or the task has
            no such labels.

    Example:
        >>> from tinybert.tasks import get_task
        >>> table = Table({"text": ["a film"], "pos": [0.9], "neg": [0.1]}, "rows.csv")
        >>> task = get_task({"kind": "text-classification", "text": "text"})
        >>> task, table = join_soft_labels(task, table, ["pos", "neg"])
        >>> task.fit(table).examples(table).soft_labels
        array([[0.1, 0.9]], dtype=float32)
    """
    if isinstance(given, str):
        return _join_file(task, table, given)
    columns = dict(given) if isinstance(given, Mapping) else {name: name for name in given}
    if len({*columns.values()}) != len(given):
        raise InputError(f"a column is there twice: {cut(', '.join(columns.values()))}")
    for column in columns.values():
        table.column(column)
    return task.with_soft_labels(columns), table


def _join_file(task: Task, table: Table, file: str) -> tuple[Task, Table]:
    scores = _read(task, table, file)
    task = task.with_soft_labels({name: f"{file}: {name}" for name in scores.columns})
    beside = {
        # Checked here, so that a message names the row of this file.
        f"{file}: {name}": [probability(scores, name, row) for row in range(len(scores))]
        for name in scores.columns
    }
    return task, Table({**table.columns, **beside}, table.source, table.numbers, table.unit)


def _read(task: Task, table: Table, file: str) -> Table:
    """The columns of scores alone, of a file that has a row for each training row."""
    scores = read(file)
    if len(scores) != len(table):
        raise InputError(
            f"{file}: has {len(scores)} rows, and {table.source} {len(table)}: each training row "
            "needs its own"
        )
    for name in task.text_columns(table):
        texts = zip(scores.columns.get(name, ()), table.columns.get(name, ()), strict=False)
        if (row := next((at for at, (a, b) in enumerate(texts) if a != b), None)) is not None:
            raise InputError(
                f"{scores.where(row)}: {short(name)} is another than in {table.where(row)}: the "
                "rows must be in the same order"
            )
    spread = _SCORES in scores.columns
    left_out = {*task.text_columns(table), *(_SAID if spread else ())}
    columns = {name: cells for name, cells in scores.columns.items() if name not in left_out}
    if not spread and "score" in columns:
        raise InputError(
            f"{file}: has one score a row; those of all labels are needed, which `tinybert "
            "predict --out` writes to .jsonl"
        )
    if not spread:
        return Table(columns, scores.source, scores.numbers, scores.unit)
    if columns:
        raise InputError(
            f"{file}: has a column {short(next(iter(columns)))} beside the texts and what is said "
            "of them; leave it out"
        )
    return _spread(scores)


def _spread(table: Table) -> Table:
    """A column for each label, of a table of a mapping a row, as `tinybert predict` writes it."""
    cells = table.columns[_SCORES]
    names = list(cells[0]) if cells and isinstance(cells[0], Mapping) else []
    for row, cell in enumerate(cells):
        if not isinstance(cell, Mapping) or not names:
            raise InputError(
                f"{table.where(row)}: {_SCORES} is {short(cell)}; expected a score for each label, "
                f'as {{"positive": 0.9, "negative": 0.1}}'
            )
        if set(cell) != set(names):
            raise InputError(
                f"{table.where(row)}: has scores of {cut(', '.join(map(str, cell)))}, and the "
                f"first row of {cut(', '.join(map(str, names)))}"
            )
    columns = {name: [cell[name] for cell in cells] for name in names}
    return Table(columns, table.source, table.numbers, table.unit)
