"""Names of classes: from data, in order, and matched with those of a model."""

import re
from collections.abc import Iterable, Sequence

from tinybert.base.errors import InputError, cut, short
from tinybert.data.table import Table
from tinybert.tasks.columns import text, value

_NUMBER = re.compile(r"-?[0-9]{1,18}(\.0+)?")

_SHOWN = 12
"""Names in a message."""


class UnnamedOutputs(InputError):
    """A model's outputs have no names and the labels have: nothing says which is which."""


def whole_number(name: str) -> int | None:
    """The number that a name is, with or without ".0"; None for other names.

    Example:
        >>> whole_number("10.0"), whole_number("1.5"), whole_number("ten")
        (10, None, None)
    """
    return int(name.partition(".")[0]) if _NUMBER.fullmatch(name) else None


def whole_numbers(names: Iterable[str]) -> dict[str, int] | None:
    """Each name with its number; None unless all are whole numbers, and different ones.

    Example:
        >>> whole_numbers(["10", "2.0"])
        {'10': 10, '2.0': 2}
        >>> whole_numbers(["1", "1.0"]), whole_numbers(["1", "one"])
        (None, None)
    """
    numbers = {name: number for name in names if (number := whole_number(name)) is not None}
    whole = len(numbers) == len(set(names)) == len(set(numbers.values()))
    return numbers if whole else None


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
    if isinstance(cell, str):
        return text(table, column, row).strip()
    if isinstance(cell, int):
        return str(cell)
    raise InputError(
        f"{table.where(row)}: {short(column)} is no text or whole number: {short(cell)}"
    )


def in_order(names: set[str]) -> tuple[str, ...]:
    """Names in the order of the outputs of a new head: whole numbers by value, others by alphabet.

    Example:
        >>> in_order({"10.0", "9.0"}), in_order({"b", "a"})
        (('9.0', '10.0'), ('a', 'b'))
    """
    numbers = whole_numbers(names)
    return tuple(sorted(names, key=numbers.__getitem__ if numbers else None))


def has_numbers(names: Sequence[str]) -> bool:
    """Whether some name is a whole number, so that a number in the data is a name."""
    return any(whole_number(name) is not None for name in names)


def say_nothing(names: Sequence[str]) -> bool:
    """Whether the names tell nothing but their place: "LABEL_0", "LABEL_1" or "0", "1".

    Example:
        >>> say_nothing(["LABEL_0", "LABEL_1"]), say_nothing(["1", "2"])
        (True, False)
    """
    return all(name in (f"LABEL_{index}", str(index)) for index, name in enumerate(names))


def match_labels(ours: Sequence[str], model: Sequence[str], in_order: bool) -> tuple[str, ...]:
    """Our label names in the order of a model's outputs.

    Names are matched whatever their case, and numbers by their value. Labels 0, 1, ... are
    numbers of outputs, for all of which there must be one. Names are never paired with outputs
    that have none, unless their order was given.

    Args:
        ours: The names of the labels.
        model: The names of the model's outputs, in order.
        in_order: Whether `ours` are in the order of the outputs if those have no names.

    Raises:
        UnnamedOutputs: The model's names say nothing, and ours are in no particular order.
        InputError: They are not the same labels.

    Example:
        >>> match_labels(["negative", "positive"], ["POSITIVE", "NEGATIVE"], in_order=False)
        ('positive', 'negative')
        >>> match_labels(["0.0", "1.0"], ["no", "yes"], in_order=False)
        ('no', 'yes')
        >>> match_labels(["World", "Business"], ["LABEL_0", "LABEL_1"], in_order=True)
        ('World', 'Business')
    """
    if set(ours) == set(model):
        return tuple(model)
    matched = _by_name(ours, model)
    if matched is not None:
        return matched
    if len(ours) == len(model):
        if say_nothing(model) and in_order:
            return tuple(ours)
        numbers = whole_numbers(ours)
        if numbers is not None and sorted(numbers.values()) == list(range(len(model))):
            if say_nothing(model):
                return tuple(sorted(ours, key=numbers.__getitem__))
            if not has_numbers(model):
                return tuple(model)
        elif say_nothing(model):
            raise UnnamedOutputs(
                f"the model's outputs have no names ({some_names(model)}), so nothing says which "
                f"of them is which of the task's labels ({some_names(ours)})"
            )
    raise InputError(
        f"the model's labels ({some_names(model)}) are not the task's ({some_names(ours)})"
    )


def _by_name(ours: Sequence[str], model: Sequence[str]) -> tuple[str, ...] | None:
    """Our names in the model's order, where each has one counterpart there."""
    for key in (str.lower, whole_number):
        ours_by_key = {key(name): name for name in ours}
        keys = [key(name) for name in model]
        if len(ours_by_key) == len(ours) == len(keys) and set(keys) == set(ours_by_key):
            return tuple(ours_by_key[key] for key in keys)
    return None


def some_names(names: Sequence[str]) -> str:
    """The names for a message, of which there may be hundreds.

    Example:
        >>> some_names(["a", "b"])
        'a, b'
    """
    shown = cut(", ".join(names[:_SHOWN]))
    return shown if len(names) <= _SHOWN else f"{shown}, ... {len(names)} in all"
