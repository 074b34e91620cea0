"""Budgets for usual places to run a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Preset:
    """What is asked of a model for one kind of place.

    Attributes:
        summary: What it is for, a few words.
        budget: Keys of a recipe's budget.
        export: Formats.
    """

    summary: str
    budget: Mapping[str, Any]
    export: tuple[str, ...]


PRESETS = {
    "server": Preset(
        "the smallest file that answers one text of 128 tokens within 5 ms on this machine's cores "
        "and loses at most 1% of the teacher's metric",
        {"latency": "5ms", "drop": "1%"},
        ("onnx",),
    ),
}
"""By what `tinybert compress --for` calls them."""
