"""Answers of a table of questions, checked: each must stand where the data says it does."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tinybert.base.errors import InputError, short
from tinybert.data.squad import is_impossible
from tinybert.data.table import Table

NONE = '{"text": [], "answer_start": []}'
"""How a row says that its context has no answer."""


class Answers(NamedTuple):
    """What is right of a row.

    Attributes:
        context: The text that the answers stand in.
        texts: The answers, of several people perhaps; none where the context has none.
        starts: Where each begins in the context, in characters.
    """

    context: str
    texts: tuple[str, ...]
    starts: tuple[int, ...]


def read_answers(table: Table, column: str, row: int, context: str) -> Answers:
    """The answers of one row.

    They are {"text": [...], "answer_start": [...]}, as the Hub's `squad` has them, or a list of
    {"text": "...", "answer_start": ...}, as SQuAD's own files do.

    Args:
        table: The rows.
        column: That of the answers.
        row: Its number.
        context: Of the row.

    Raises:
        InputError: The column is missing, or an answer is not at its start; the message names the
            row.

    Example:
        >>> cells = {"answers": [[{"text": "Rome", "answer_start": 3}]]}
        >>> read_answers(Table(cells, "dev.json"), "answers", 0, "In Rome.")
        Answers(context='In Rome.', texts=('Rome',), starts=(3,))
    """
    texts, starts = _parts(table, column, row)
    for text, start in zip(texts, starts, strict=True):
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{table.where(row)}: an answer's text is {short(text)}, no text")
        if type(start) is not int:
            raise InputError(
                f"{table.where(row)}: the start of answer {short(text)} is {short(start)}, no "
                "whole number"
            )
        if not 0 <= start <= len(context) - len(text):
            raise InputError(
                f"{table.where(row)}: answer {short(text)} would be at characters {start} to "
                f"{start + len(text)}, outside the context, which has {len(context)}"
            )
        there = context[start : start + len(text)]
        if there != text:
            raise InputError(
                f"{table.where(row)}: answer {short(text)} is not at its start, {start}: "
                f"{short(there)} is there{_elsewhere(context, text)}"
            )
    return Answers(context, tuple(texts), tuple(starts))


def has_answer(table: Table, column: str, row: int) -> bool:
    """Whether a row has an answer.

    Raises:
        InputError: The column is missing, or the cell is none that `read_answers` takes.

    Example:
        >>> has_answer(Table({"answers": [[]]}, "dev.json"), "answers", 0)
        False
    """
    return bool(_parts(table, column, row)[0])


def _elsewhere(context: str, text: str) -> str:
    found = context.find(text)
    if found < 0:
        return ", and the context does not have it"
    return f"; the context has it at {found} (starts count characters, from 0)"


def _parts(table: Table, column: str, row: int) -> tuple[list[Any], list[Any]]:
    texts, starts = _cell_parts(table, column, row)
    cells = {name: table.columns[name][row] for name in ("is_impossible",) if name in table.columns}
    if is_impossible(cells, table.where(row)) and texts:
        raise InputError(f"{table.where(row)}: is_impossible, and has answers")
    return texts, starts


def _cell_parts(table: Table, column: str, row: int) -> tuple[list[Any], list[Any]]:
    cell = table.column(column)[row]
    if isinstance(cell, Mapping):
        parts = cell.get("text"), cell.get("answer_start")
    elif isinstance(cell, list) and all(isinstance(each, Mapping) for each in cell):
        if lacking := [key for key in ("text", "answer_start") for each in cell if key not in each]:
            raise InputError(f"{table.where(row)}: an answer has no {short(lacking[0])}")
        parts = [each["text"] for each in cell], [each["answer_start"] for each in cell]
    else:
        parts = None, None
    texts, starts = parts
    if not isinstance(texts, list) or not isinstance(starts, list):
        found = "is missing" if cell is None else f"is {short(cell)}"
        raise InputError(
            f"{table.where(row)}: {short(column)} {found}; expected "
            f'{{"text": ["..."], "answer_start": [...]}}, or {NONE} where the context has no answer'
        )
    if len(texts) != len(starts):
        raise InputError(
            f"{table.where(row)}: {short(column)} has {len(texts)} texts and {len(starts)} starts"
        )
    return texts, starts
