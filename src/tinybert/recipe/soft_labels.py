"""What a recipe says of soft labels: columns of its training rows, or of a file beside them."""

from collections.abc import Mapping, Sequence

from tinybert.base.errors import InputError, cut
from tinybert.data import Table, read
from tinybert.tasks.task import Task

Given = str | Sequence[str] | Mapping[str, str]
"""As `data.soft_labels` has them: a file, columns that are called as their labels, or columns by
label."""


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
        scores = _spread(read(given))
        columns = {name: f"{given}: {name}" for name in scores.columns}
        if len(scores) != len(table):
            raise InputError(
                f"{given}: has {len(scores)} rows, and {table.source} {len(table)}: each training "
                "row needs its own"
            )
        beside = {columns[name]: values for name, values in scores.columns.items()}
        table = Table({**table.columns, **beside}, table.source, table.numbers, table.unit)
        return task.with_soft_labels(columns), table
    columns = dict(given) if isinstance(given, Mapping) else {name: name for name in given}
    if len({*columns.values()}) != len(given):
        raise InputError(f"a column is there twice: {cut(', '.join(columns.values()))}")
    for column in columns.values():
        table.column(column)
    return task.with_soft_labels(columns), table


def _spread(table: Table) -> Table:
    """A table whose column "scores" holds a score a label, as `tinybert predict --out` writes it.

    It comes with a column for each label; another table as it is.
    """
    cells = table.columns.get("scores", [])
    if not cells or not all(isinstance(cell, Mapping) for cell in cells):
        return table
    names = list(cells[0])
    for row, cell in enumerate(cells):
        if set(cell) != set(names):
            raise InputError(
                f"{table.where(row)}: has scores of {cut(', '.join(map(str, cell)))}, and the "
                f"first row of {cut(', '.join(map(str, names)))}"
            )
    columns = {name: [cell[name] for cell in cells] for name in names}
    return Table(columns, table.source, table.numbers, table.unit)
