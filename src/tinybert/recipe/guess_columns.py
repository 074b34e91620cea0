"""Which columns of a table are its texts and its labels, where nobody said so."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tinybert.base.errors import InputError, cut
from tinybert.data.table import Table
from tinybert.tasks import get_task
from tinybert.tasks.task import Task
from tinybert.tasks.token_columns import ENTITIES, WORDS, entity_columns

TEXT_NAMES, LABEL_NAMES = ("sentence", "text"), ("label", "labels")
"""What data sets call these columns, the usual name first."""

_TOKENS = "token-classification"
_QUESTIONS = "question-answering"


@dataclass(frozen=True)
class Columns:
    """The columns of a task's rows.

    Attributes:
        kind: Of the task.
        text: The column of texts, or the two of pairs; empty where the task finds its own.
        label: The column of labels, or those of 0 and 1; likewise.
        guessed: What was guessed, in words.
    """

    kind: str
    text: tuple[str, ...]
    label: tuple[str, ...]
    guessed: tuple[str, ...] = ()


def guess_columns(
    table: Table,
    task: Task | None,
    text: Sequence[str] = (),
    label: Sequence[str] = (),
    scores: Sequence[str] | None = None,
) -> Columns:
    """The columns of a table, where only one reading is possible.

    A text column has text with blanks in it, which differs from row to row; a label column has
    values that come again. What the task calls its columns comes before either.

    Args:
        table: The rows.
        task: What they are for; None where the labels shall tell.
        text: The columns of text, where they are known.
        label: Those of labels, likewise.
        scores: Those of soft labels, by which rows may do without others; empty where a file has
            them, None where there are none.

    Raises:
        InputError: A column is not there, or several may be the one.

    Example:
        >>> rows = {"id": ["7", "8"] , "message": ["is it on", "good day"], "topic": ["a", "a"]}
        >>> found = guess_columns(Table(rows, "rows.csv"), None)
        >>> found.kind, found.text, found.label
        ('text-classification', ('message',), ('topic',))
    """
    for name in (*text, *label):
        table.column(name)
    kind = task.kind if task is not None else _TOKENS if _has_entities(table) else None
    if kind == _TOKENS:
        return Columns(kind, tuple(text), tuple(label))
    if task is not None and "text" not in task.options:
        return Columns(task.kind, tuple(text), tuple(label))
    if task is None and not text and not label and _has_answers(table):
        return Columns(_QUESTIONS, (), ())
    guessed = []
    if scores:
        rest = {name: cells for name, cells in table.columns.items() if name not in scores}
        table = replace(table, columns=rest)
    if not text:
        text = _usual(table, TEXT_NAMES if task is None else task.text, pair=task is not None)
    if not text:
        text = (_only(table, "text", _texts(table, label)),)
        guessed.append(f"text: {text[0]}")
    if task is not None and not task.label_columns:  # a row says itself what is right
        return Columns(task.kind, tuple(text), (), tuple(guessed))
    if not label:
        label = _usual(table, LABEL_NAMES if task is None else (task.label,))
    if not label and scores is not None:
        kind = kind or "text-classification"
        return Columns(kind, tuple(text), (), (*guessed, f"task: {kind}"))
    if not label and {*table.columns} == {*text}:
        if task is None:
            raise InputError(
                f"{table.source}: has no labels, and the model has no head: name labeled rows, "
                "or a model that is fine-tuned"
            )
        return Columns(task.kind, tuple(text), (), (*guessed, f"no labels: {task.kind}"))
    if not label:
        label = (_only(table, "label", _labels(table, text)),)
        guessed.append(f"label: {label[0]}")
    if kind is None:
        kind = "multi-label-classification" if len(label) > 1 else _kind(table.column(label[0]))
        guessed.append(f"task: {kind}")
    return Columns(kind, tuple(text), tuple(label), tuple(guessed))


def _has_entities(table: Table) -> bool:
    """Whether rows are words with tags, or texts with entities."""
    task = get_task(_TOKENS)
    text, label = entity_columns(table, task.text[0], task.label)
    if label not in table.columns or text not in table.columns:
        return False
    return text in WORDS or label in ENTITIES


def _has_answers(table: Table) -> bool:
    """Whether rows are questions about contexts, with answers that have places there."""
    task = get_task(_QUESTIONS)
    if not {*task.text, task.label} <= {*table.columns}:
        return False
    return all(isinstance(cell, list | dict) for cell in table.column(task.label))


def _usual(table: Table, names: Sequence[str], pair: bool = False) -> tuple[str, ...]:
    """The columns of these names: all of a pair, or the first that is there."""
    there = tuple(name for name in names if name in table.columns)
    if pair:
        return there if len(there) == len(names) else ()
    return there[:1]


def _only(table: Table, option: str, found: Sequence[str]) -> str:
    """The one column that may be meant."""
    if len(found) == 1:
        return found[0]
    which = f"may be {' or '.join(map(repr, found))}" if found else "is none that is clear"
    raise InputError(
        f"{table.source}: the column of {option} {cut(which)}: name it by --{option}; there are: "
        f"{cut(', '.join(table.columns))}"
    )


def _texts(table: Table, label: Sequence[str]) -> list[str]:
    """Columns of different texts; only those that have blanks, where some have."""
    texts = {
        name: cells
        for name, cells in table.columns.items()
        if name not in label and all(isinstance(cell, str | None) for cell in cells)
    }
    texts = {
        name: cells
        for name, cells in texts.items()
        if 2 * len(set(cells)) > len(cells) and not all(map(_is_number, cells))
    }
    of_words = [
        name for name, cells in texts.items() if 2 * sum(map(_has_blank, cells)) > len(cells)
    ]
    return of_words or list(texts)


def _labels(table: Table, text: Sequence[str]) -> list[str]:
    """The other columns whose values come again, or the only other one."""
    others = [name for name in table.columns if name not in text]
    if len(others) == 1:
        return others
    return [name for name in others if 2 * len(_different(table.column(name))) <= len(table)]


def _kind(labels: Sequence[Any]) -> str:
    """What labels are for: lists of names, numbers that are no whole ones, or names."""
    if any(isinstance(label, list | tuple) for label in labels):
        return "multi-label-classification"
    if all(map(_is_number, labels)) and not all(float(label).is_integer() for label in labels):
        return "text-regression"
    return "text-classification"


def _different(cells: Sequence[Any]) -> set[str]:
    return {str(cell) for cell in cells}


def _has_blank(cell: str | None) -> bool:
    return cell is not None and len(cell.split()) > 1


def _is_number(cell: Any) -> bool:
    try:
        return float(cell) == float(cell)
    except (TypeError, ValueError, OverflowError):
        return False
