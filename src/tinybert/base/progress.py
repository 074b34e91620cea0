"""How long work tells how far it is: one callback, given by whoever wants to know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """One report of one step.

    Attributes:
        step: What is being done, such as "distill", or a part of that, such as "teacher".
        done: Units finished so far.
        total: Units there are; 1 where only the begin and the end of it are known.
        values: Figures to show beside it, such as the loss, or of what has ended its metric.
        note: What is to be said of it beside figures, a line: where it goes on from, what a trial
            bets on and how good the best so far is.
        plan: All that is done, in order; empty where nobody has planned it. It may grow.
        place: Which of `plan` it is, from 0.
        ended: Whether this one of `plan` is done, by this run or an earlier one.
        seconds: Where it has ended, how long it took; None where that is not known.
        expected: For each of `plan` about the seconds it takes; empty where nobody can tell. Only
            their ratios matter once one has ended.
    """

    step: str
    done: int
    total: int
    values: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    plan: tuple[str, ...] = ()
    place: int = 0
    ended: bool = False
    seconds: float | None = None
    expected: tuple[float, ...] = ()


ProgressCallback = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """The callback of a caller who does not want to know."""
