"""A table of rows with changed ones below, and which row each is made of."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from tinybert.base.errors import InputError, cut, placed, short
from tinybert.data.table import Table
from tinybert.steps.augment.knowledge import Knowledge
from tinybert.steps.augment.passages import Made, changed_row, moved
from tinybert.tasks.labels import label_name
from tinybert.tasks.rows import Row, row_text, text_parts
from tinybert.tasks.task import Task

logger = logging.getLogger(__name__)

SOURCE, METHOD = "source_row", "method"
"""The columns that say which row one is made of, as messages count it, and how."""

ORIGINAL = "original"
"""The method of rows that are as they were."""


def check_columns(table: Table) -> None:
    """Refuses a table that has columns which are to be added.

    Raises:
        InputError: It has.
    """
    if there := [name for name in (SOURCE, METHOD) if name in table.columns]:
        raise InputError(
            f"{table.source}: has a column {there[0]!r} already, as augmented rows have; name the "
            "rows that it was made of, or give that column another name"
        )


def rule_labels(table: Table, task: Task, knowledge: Knowledge) -> dict[str, Any]:
    """The cells that stand for the labels of rules; empty where no rule has one.

    Args:
        table: The rows.
        task: What they are for.
        knowledge: With the rules.

    Raises:
        InputError: The rows have no such label; a `PlacedError` with the rule.
    """
    asked = {
        place: rule.label for place, rule in enumerate(knowledge.rules) if rule.label is not None
    }
    if not asked:
        return {}
    first = next(iter(asked))
    with placed("rules", first, "label"):
        if not task.one_label:
            raise InputError(f"rows of {task.kind} don't have one label each; leave it out")
        column = table.column(task.label)
    names = {label_name(table, task.label, row): cell for row, cell in enumerate(column)}
    for place, label in asked.items():
        if label not in names:
            with placed("rules", place, "label"):
                raise InputError(
                    f"no row of {table.source} has the label {short(label)} in "
                    f"{short(task.label)}; it has: {cut(', '.join(sorted(names)))}"
                )
    return {label: names[label] for label in asked.values()}


def augmented(
    table: Table,
    rows: Sequence[Row],
    made: Sequence[Made],
    task: Task,
    knowledge: Knowledge,
) -> dict[str, list[Any]]:
    """The columns of a table with changed rows below those that were there.

    Args:
        table: What was read.
        rows: Its rows as the task reads them.
        made: The changed ones.
        task: It knows the columns, and where labels point after a change.
        knowledge: Its rules give labels to what is made; rows that were there keep theirs.

    Returns:
        Those of `table` and two more, `SOURCE` and `METHOD`.
    """
    numbers = table.numbers or range(1, len(table) + 1)
    labels = rule_labels(table, task, knowledge)
    if labels:
        _warn_of_others(table, rows, task, knowledge)
    columns = {name: list(cells) for name, cells in table.columns.items()}
    columns |= {SOURCE: list(numbers), METHOD: [ORIGINAL] * len(table)}
    torn = 0
    for each in made:
        row = changed_row(rows[each.source], each)
        cells = {name: column[each.source] for name, column in table.columns.items()}
        cells |= _texts(row, task.text_columns(table))
        if each.edits is not None:
            cells = task.moved(cells, partial(moved, edits=each.edits[0]))
        given = knowledge.labels_of(each.parts)
        if len(given) > 1:
            torn += 1
            continue
        if given:
            cells[task.label] = labels[given.pop()]
        cells |= {SOURCE: numbers[each.source], METHOD: each.method}
        for name, column in columns.items():
            column.append(cells[name])
    if torn:
        logger.warning("augment: %d texts are left out: rules give them different labels", torn)
    return columns


def counts(columns: Mapping[str, Sequence[Any]]) -> dict[str, int]:
    """How many rows there are by each method."""
    return dict(Counter(columns[METHOD]))


def _texts(row: Row, columns: Sequence[str]) -> dict[str, Any]:
    """The cells of a row's texts; a list, where it is one of words."""
    if "words" in row:
        return {columns[0]: list(row["words"])}
    return dict(zip(columns, text_parts(row_text(row)), strict=True))


def _warn_of_others(table: Table, rows: Sequence[Row], task: Task, knowledge: Knowledge) -> None:
    """Warns of rows whose labels are not what rules say of their texts."""
    others = [
        number
        for number, row in enumerate(rows)
        if (given := knowledge.labels_of(text_parts(row_text(row))))
        and given != {label_name(table, task.label, number)}
    ]
    if others:
        logger.warning(
            "augment: %d rows keep labels that rules contradict; the first is %s",
            len(others),
            table.where(others[0]),
        )
