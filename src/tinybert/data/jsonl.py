"""JSON lines: one object a line."""

import json
from pathlib import Path
from typing import Any

from tinybert.base.errors import InputError, said, short
from tinybert.data.lines import read_lines
from tinybert.data.table import Table

MOST_COLUMNS = 1000
"""The most keys of all lines: were each in one line alone, a table would be its lines squared."""


def read_jsonl(path: Path) -> Table:
    """Reads one object a line; a key that a line lacks is None there.

    Raises:
        InputError: A line is no JSON object; the message names the line.
    """
    rows = [parse_object(path, number, line) for number, line in enumerate(read_lines(path), 1)]
    names = dict.fromkeys(name for row in rows for name in row)
    if len(names) > MOST_COLUMNS:
        raise InputError(
            f"{path}: has more than {MOST_COLUMNS:,} different keys; expected the same in each line"
        )
    return Table({name: [row.get(name) for row in rows] for name in names}, str(path))


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of some pairs, of which JSON's own reader would take the last of a name.

    Raises:
        ValueError: A name is there twice.
    """
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"key {short(twice)} is there more than once")
    return row


def parse_object(path: Path, number: int, line: str) -> dict[str, Any]:
    """The object of one line.

    Args:
        path: The file, for messages.
        number: Of the line, from 1, for messages.
        line: Its text.

    Raises:
        InputError: It is no JSON object, or an empty one.

    Example:
        >>> parse_object(Path("a.jsonl"), 1, '{"text": "a great film"}')
        {'text': 'a great film'}
    """
    try:
        row = json.loads(line, object_pairs_hook=unique_keys)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}: line {number}: not JSON: {error.msg} at character {error.pos + 1}"
        ) from None
    except (ValueError, RecursionError) as error:  # a number too long, brackets too deep
        raise InputError(f"{path}: line {number}: not usable JSON: {said(error)}") from None
    if not isinstance(row, dict) or not row:
        raise InputError(
            f'{path}: line {number}: expected a JSON object such as {{"text": "..."}}, '
            f"got {'an empty object' if row == {} else type(row).__name__}"
        )
    return row
