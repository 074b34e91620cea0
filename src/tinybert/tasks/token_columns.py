"""Rows of words with tags, or of texts with entities, out of a table's columns."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tinybert.base.errors import InputError, short
from tinybert.data.table import Table
from tinybert.tasks.columns import text as text_cell
from tinybert.tasks.columns import value
from tinybert.tasks.rows import Row
from tinybert.tasks.spans import BadTag, Scheme, Span, find_scheme, read_tags
from tinybert.tasks.windows import join_bounds

WORDS, TAGS = ("tokens", "words"), ("tags", "ner_tags", "pos_tags", "labels")
TEXTS, ENTITIES = ("text", "sentence"), ("entities", "spans")
"""What data sets call these columns, the usual name first."""


def entity_columns(table: Table, text: str, label: str) -> tuple[str, str]:
    """The columns of inputs and of labels: those asked for, or what such columns are called.

    Args:
        table: The rows.
        text: The column that was asked for; "tokens" is what stands there where none was.
        label: Likewise, "tags".

    Example:
        >>> entity_columns(Table({"text": [], "entities": []}, "train.jsonl"), "tokens", "tags")
        ('text', 'entities')
    """
    of_words = text not in TEXTS
    if text not in table.columns and text == WORDS[0]:
        text = next((name for name in (*WORDS, *TEXTS) if name in table.columns), text)
        of_words = text in WORDS
    if label not in table.columns and label == TAGS[0]:
        usual = (*TAGS, *ENTITIES) if of_words else (*ENTITIES, *TAGS)
        label = next((name for name in usual if name in table.columns), label)
    return text, label


def read_rows(table: Table, column: str) -> list[Row]:
    """{"words"} of cells that are lists, {"text"} of those that are text.

    Raises:
        InputError: The column is missing; a cell is empty or neither of the two.
    """
    rows: list[Row] = []
    for row in range(len(table)):
        if isinstance(value(table, column, row), str):
            rows.append({"text": text_cell(table, column, row)})
        else:
            rows.append({"words": _words(table, column, row)})
    return rows


def read_entities(
    table: Table, text: str, label: str, scheme: Scheme | None, names: Sequence[str]
) -> tuple[list[list[Span]], Scheme]:
    """The entities of each row, by characters of its text.

    Args:
        table: The rows.
        text: The column of words or texts.
        label: The column of tags, of which there are as many as words, or of entities.
        scheme: How tags are written; None finds it out.
        names: What the numbers 0, 1, ... stand for where tags are numbers.

    Returns:
        The entities, in order, and the scheme: "bio" where there were no tags.

    Raises:
        InputError: A cell is malformed; the message names the row, or the line.
    """
    if not isinstance(value(table, text, 0), str):
        return _tagged(table, text, label, scheme, names)
    found = []
    for row in range(len(table)):
        found.append(_entities(table, row, text_cell(table, text, row), label))
    return found, "bio"


def moved_entities(cells: Sequence[Any], place: Callable[[int], int]) -> list[Any]:
    """The cell of a row's tags or entities, after words of its text were replaced in place.

    Args:
        cells: Tags, or {"start", "end", "label"} each.
        place: Where a character of the text before stands now.

    Example:
        >>> moved_entities([{"start": 4, "end": 6, "label": "ORG"}], lambda place: place + 2)
        [{'start': 6, 'end': 8, 'label': 'ORG'}]
    """
    return [
        {**cell, "start": place(cell["start"]), "end": place(cell["end"])}
        if isinstance(cell, Mapping)
        else cell
        for cell in cells
    ]


def _tagged(
    table: Table, text: str, label: str, scheme: Scheme | None, names: Sequence[str]
) -> tuple[list[list[Span]], Scheme]:
    tags = [_tags(table, row, label, names) for row in range(len(table))]
    if scheme is None:
        try:
            scheme = find_scheme(tags)
        except ValueError as error:
            raise InputError(f"{table.source}: {short(label)}: {error}") from None
    found = []
    for row, own in enumerate(tags):
        words = _words(table, text, row)
        if len(words) != len(own):
            raise InputError(f"{table.where(row)}: has {len(words)} words and {len(own)} tags")
        try:
            spans = read_tags(own, scheme)
        except BadTag as error:
            hint = "" if scheme != "bio" else "; if the data are in IOB1, say so: scheme: iob1"
            raise InputError(
                f"{table.where(row, error.place)}: {error} (read as {scheme}{hint})"
            ) from None
        bounds = join_bounds(words)
        for start, end, name in spans:
            if not "".join(words[start:end]).strip():
                raise InputError(f"{table.where(row)}: an entity {short(name)} has no word")
        found.append([Span(bounds[a][0], bounds[b - 1][1], name) for a, b, name in spans])
    return found, scheme


def _words(table: Table, column: str, row: int) -> list[str]:
    cell = value(table, column, row)
    if not isinstance(cell, list | tuple) or not all(isinstance(word, str) for word in cell):
        raise InputError(
            f"{table.where(row)}: {short(column)}: expected text, or a list of words, got "
            f"{short(cell)}"
        )
    if not any(word.strip() for word in cell):
        raise InputError(f"{table.where(row)}: {short(column)} is empty")
    try:
        "".join(cell).encode()
    except UnicodeEncodeError:
        raise InputError(f"{table.where(row)}: {short(column)} is not valid Unicode") from None
    return list(cell)


def _tags(table: Table, row: int, column: str, names: Sequence[str]) -> list[str]:
    cell = value(table, column, row)
    if not isinstance(cell, list | tuple):
        raise InputError(
            f"{table.where(row)}: {short(column)}: expected a list of tags, got {short(cell)}"
        )
    return [_tag(table, row, place, tag, names) for place, tag in enumerate(cell)]


def _tag(table: Table, row: int, place: int, tag: Any, names: Sequence[str]) -> str:
    if isinstance(tag, str) and tag.strip():
        return _valid(tag.strip(), table.where(row, place))
    if type(tag) is int and 0 <= tag < len(names):
        return names[tag]
    known = f"; there are {len(names)} labels" if names else "; name them by `labels` of the task"
    raise InputError(
        f"{table.where(row, place)}: tag {place + 1} is {short(tag)}, no name"
        f"{known if type(tag) is int else ''}"
    )


def _entities(table: Table, row: int, text: str, column: str) -> list[Span]:
    cells = table.column(column)[row]
    if not isinstance(cells, list | tuple):
        raise InputError(
            f"{table.where(row)}: {short(column)}: expected a list of entities, got {short(cells)}"
        )
    spans = sorted(_entity(table, row, text, column, each) for each in cells)
    for before, span in itertools.pairwise(spans):
        if span.start < before.end:
            raise InputError(
                f"{table.where(row)}: {short(column)}: {short(text[before.start : before.end])} "
                f"and {short(text[span.start : span.end])} overlap; a word has one label"
            )
    return spans


def _entity(table: Table, row: int, text: str, column: str, cell: Any) -> Span:
    given = cell if isinstance(cell, Mapping) else {}
    start, end, name = (given.get(key) for key in ("start", "end", "label"))
    whole = type(start) is int and type(end) is int and isinstance(name, str) and name.strip()
    if not whole:
        raise InputError(
            f'{table.where(row)}: {short(column)}: expected {{"start": 0, "end": 2, "label": '
            f'"ORG"}}, got {short(cell)}'
        )
    assert isinstance(start, int)
    assert isinstance(end, int)
    if 0 <= start < end <= len(text) and not text[start:end].strip():
        raise InputError(f"{table.where(row)}: {short(column)}: only blanks from {start} to {end}")
    if not 0 <= start < end <= len(text):
        raise InputError(
            f"{table.where(row)}: {short(column)}: no text from {start} to {end}; the row has "
            f"{len(text)} characters"
        )
    return Span(start, end, _valid(str(name).strip(), table.where(row)))


def _valid(name: str, where: str) -> str:
    """A label that a file can hold."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InputError(f"{where}: a label is not valid Unicode: {short(name)}") from None
    return name
