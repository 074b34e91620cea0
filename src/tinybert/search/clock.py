"""What is left of the time for a search and the training of its winner."""

import time
from dataclasses import dataclass, field

from tinybert.search.trial import Outcome

SEARCHED = 0.45
"""The most of the time that goes into the search: what it finds has to be trained."""

MEASURED = 60.0
"""Seconds that measurements and reports of a finished model take, about."""

LEAST_SHARE = 0.05
"""The least of its training that a winner gets, however late it is."""


@dataclass
class Clock:
    """Seconds that are spent and left.

    Attributes:
        total: Seconds for all of it; None where it takes as long as it takes.
        before: Seconds that were spent by processes before this one.
    """

    total: float | None
    before: float = 0.0
    _began: float = field(default_factory=lambda: time.monotonic(), repr=False)

    @property
    def spent(self) -> float:
        """Seconds so far."""
        return self.before + time.monotonic() - self._began

    @property
    def left(self) -> float | None:
        """Seconds until all of it is to be done; None where nothing bounds it."""
        return None if self.total is None else max(0.0, self.total - self.spent)

    def allows(self, outcome: Outcome, share: float, wanted: float) -> bool:
        """Whether another training may begin.

        Args:
            outcome: Of the last one, or of the same candidate.
            share: Of the training that it had.
            wanted: That of the next one.
        """
        if self.total is None:
            return True
        left = self.total - self.spent
        next_one = _seconds(outcome, share, wanted)
        final = min(_seconds(outcome, share, 1.0), (1 - SEARCHED) * self.total) + MEASURED
        return self.spent < SEARCHED * self.total and next_one + final <= left

    def share_left(self, outcome: Outcome, share: float) -> float:
        """The share of its training that a winner can get: 1 where there is time for all of it."""
        if self.total is None:
            return 1.0
        fixed = outcome.seconds - outcome.training + MEASURED
        whole = outcome.training / share
        left = self.total - self.spent - fixed
        return 1.0 if left >= whole else max(left / max(whole, 1e-9), LEAST_SHARE)


def _seconds(outcome: Outcome, share: float, wanted: float) -> float:
    return outcome.seconds - outcome.training + outcome.training * wanted / share
