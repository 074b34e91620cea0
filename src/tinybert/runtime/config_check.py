"""A config.json whose values are of the kinds and sizes that a model can have."""

from collections.abc import Mapping
from typing import Any

from tinybert.base.errors import InputError, short
from tinybert.families import FAMILIES

_OF_FAMILIES = {
    name
    for family in FAMILIES.values()
    for name in (*family.sizes.names.values(), family.sizes.positions, family.embedding_size)
}
_SIZES = ("vocab_size", "type_vocab_size", "num_labels", *sorted(_OF_FAMILIES - {""}))
"""Whole numbers from 1 on, where they are given; a table without rows is written as 0 or less."""

_MAY_BE_ABSENT = ("max_position_embeddings", "type_vocab_size")
"""Where 0 or -1 says that a model has no such table, as DeBERTa's "type_vocab_size": 0."""

_LARGEST = 10**9
"""Far above any model's size; far below what loops and tables would never end at."""

MOST_LABELS = 1_000_000


def check_config(config: Mapping[str, Any]) -> None:
    """Refuses what would hang, or fail without a word of the key at fault, further on.

    Args:
        config: The content of a config.json.

    Raises:
        InputError: A value is of the wrong kind, or too large or too small; names its key.

    Example:
        >>> check_config({"max_position_embeddings": 512, "id2label": {"0": "no", "1": "yes"}})
        >>> check_config({"hidden_size": -5})
        Traceback (most recent call last):
        tinybert.base.errors.InputError: its config.json is broken: hidden_size is -5
    """
    for key in _SIZES:
        lowest = -1 if key in _MAY_BE_ABSENT else 1
        _require_whole(config, key, lowest)
    _require_whole(config, "pad_token_id", -1)
    for key in ("model_type", "problem_type"):
        if not isinstance(config.get(key), str | None):
            raise _broken(config, key)
    names = config.get("architectures")
    if names is not None and not (
        isinstance(names, list) and all(isinstance(name, str) for name in names)
    ):
        raise _broken(config, "architectures")
    for key in ("id2label", "tinybert", "tinybert_shape"):
        if not isinstance(config.get(key), Mapping | None):
            raise _broken(config, key)
    _check_labels(config)


def _require_whole(config: Mapping[str, Any], key: str, lowest: int) -> None:
    value = config.get(key)
    if value is not None and not (type(value) is int and lowest <= value <= _LARGEST):
        raise _broken(config, key)


def _check_labels(config: Mapping[str, Any]) -> None:
    """Refuses names that can't be printed, and more of them than a head can have."""
    names = config.get("id2label") or {}
    if max(len(names), config.get("num_labels") or 0) > MOST_LABELS:
        raise InputError(f"its config.json is broken: more than {MOST_LABELS:,} labels")
    for index, name in names.items():
        try:
            int(index)
            str(name).encode()
        except (ValueError, TypeError):  # a number of 5,000 digits; half a surrogate pair
            raise _broken(config, "id2label") from None


def _broken(config: Mapping[str, Any], key: str) -> InputError:
    return InputError(f"its config.json is broken: {key} is {short(config[key])}")
