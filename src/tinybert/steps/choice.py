"""What a search may vary of a step."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import Any

LEFT_OUT: Mapping[str, Any] = {}
"""The setting of a step that is not done at all."""


@dataclass(frozen=True)
class Choice:
    """One thing that a search may set of a step, such as the width of a student.

    Attributes:
        settings: What can be chosen, the cheapest first: keys of the step with their values,
            or `LEFT_OUT`.
        losses: What each is expected to cost of the metric before anything was measured, in
            hundredths of the teacher's: it says what is tried first, and never what wins.
        grows: Whether it takes what the other choices leave of a budget.
    """

    settings: tuple[Mapping[str, Any], ...]
    losses: tuple[float, ...]
    grows: bool = False

    def __post_init__(self) -> None:
        assert len(self.settings) == len(self.losses) > 0, "a loss for each setting"

    def only(self, places: list[int]) -> "Choice":
        """The same with some of the settings."""
        return Choice(
            tuple(self.settings[place] for place in places),
            tuple(self.losses[place] for place in places),
            self.grows,
        )


def sizes(key: str, values: list[int], whole: int, weight: float, *, grows: bool = False) -> Choice:
    """The choice of a size of which the teacher has `whole`.

    What a smaller one loses is taken to grow with the square of how many times smaller it is: all
    of a model's sizes have some to spare, and none of them much.

    Args:
        key: Of the step.
        values: That can be chosen.
        whole: The teacher's.
        weight: Hundredths that are lost where the size is e times smaller.
        grows: As in `Choice`.

    Example:
        >>> sizes("layers", [6, 3, 3], 6, 2.0)
        Choice(settings=({'layers': 3}, {'layers': 6}), losses=(0.96..., 0.0), grows=False)
    """
    values = sorted({*values})
    losses = tuple(weight * log(max(whole / value, 1.0)) ** 2 for value in values)
    return Choice(tuple({key: value} for value in values), losses, grows)
