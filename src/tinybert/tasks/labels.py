"""Names of classes: from data, in order, and matched with those of a model."""

import re
from collections.abc import Sequence

from tinybert.data.table import Table
from tinybert.errors import InputError, cut, short
from tinybert.tasks.columns import value

_NUMBER = re.compile(r"-?\d{1,18}")
"""Of a class; a longer one is a name, which Python need not compute with."""


def label_name(table: Table, column: str, row: int) -> str:
    """The label of a row as a name; 1, 1.0 and "1" are the same.

    Raises:
        InputError: The column is missing or the cell is empty or no label.
    """
    cell = value(table, column, row)
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, str | int):
        return str(cell).strip()
    raise InputError(
        f"{table.where(row)}: {short(column)} is no text or whole number: {short(cell)}"
    )


def in_order(names: set[str]) -> tuple[str, ...]:
    """Names in the order of their class ids: whole numbers by value, others by alphabet.

    Example:
        >>> in_order({"10", "9"}), in_order({"b", "a"})
        (('9', '10'), ('a', 'b'))
    """
    numbers = all(_NUMBER.fullmatch(name) for name in names)
    return tuple(sorted(names, key=int if numbers else None))


def has_numbers(names: Sequence[str]) -> bool:
    """Whether some name is a whole number, so that a number in the data is a name."""
    return any(_NUMBER.fullmatch(name) for name in names)


def say_nothing(names: Sequence[str]) -> bool:
    """Whether the names tell nothing but their place: "LABEL_0", "LABEL_1" or "0", "1".

    Example:
        >>> say_nothing(["LABEL_0", "LABEL_1"]), say_nothing(["1", "2"])
        (True, False)
    """
    return all(name in (f"LABEL_{index}", str(index)) for index, name in enumerate(names))


def match_labels(ours: Sequence[str], model: Sequence[str]) -> tuple[str, ...]:
    """Our label names in the order of a model's outputs.

    Names are matched whatever their case; where those of one side say nothing, the other's
    are taken in the order they are in.

    Raises:
        InputError: They are not the same labels.

    Example:
        >>> match_labels(["negative", "positive"], ["POSITIVE", "NEGATIVE"])
        ('positive', 'negative')
        >>> match_labels(["negative", "positive"], ["LABEL_0", "LABEL_1"])
        ('negative', 'positive')
    """
    if set(ours) == set(model):
        return tuple(model)
    ours_by_name = {name.lower(): name for name in ours}
    names = [name.lower() for name in model]
    if sorted(ours_by_name) == sorted(names):
        return tuple(ours_by_name[name] for name in names)
    if len(ours) == len(model):
        if say_nothing(model):
            return tuple(ours)
        if say_nothing(ours):
            return tuple(model)
    raise InputError(
        f"the model's labels ({cut(', '.join(model))}) are not the task's ({cut(', '.join(ours))})"
    )
