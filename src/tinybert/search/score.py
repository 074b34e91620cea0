"""Which of two outcomes is the better one, by what a budget asks."""

from collections.abc import Mapping
from dataclasses import dataclass

from tinybert.search.trial import Outcome

_TOO_MUCH = 1e6
"""More than any distance or size: what does not fit is worse than all that does."""


@dataclass(frozen=True)
class Goal:
    """What is minimised: what a budget asks for and does not bound.

    Attributes:
        asked: The bounds, as `BudgetConfig.asked` has them.
    """

    asked: Mapping[str, float]

    @property
    def smallest(self) -> bool:
        """Whether it is the smallest file that keeps the drop; else what fits and loses least."""
        return "drop" in self.asked and "size_mb" not in self.asked

    def score(self, outcome: Outcome) -> float:
        """What is to be small.

        Example:
            >>> fine = Outcome(0.01, 0.9, 0.005, 4.0, 60.0, 50.0)
            >>> bad = Outcome(0.02, 0.8, 0.1, 2.0, 60.0, 50.0)
            >>> Goal({"size_mb": 5.0}).score(fine)
            0.01
            >>> smallest = Goal({"drop": 0.01})
            >>> smallest.score(fine), smallest.score(bad) > 1000
            (4.0, True)
        """
        if outcome.size_mb > self.asked.get("size_mb", _TOO_MUCH):
            return _TOO_MUCH + outcome.size_mb
        if not self.smallest:
            return outcome.distance
        lost = 1.0 if outcome.drop is None else outcome.drop
        return outcome.size_mb if lost <= self.asked["drop"] else _TOO_MUCH * (1 + lost)
