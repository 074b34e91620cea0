"""How long work tells how far it is: one callback, given by whoever wants to know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """One report of one step.

    Attributes:
        step: What is being done, such as "distill".
        done: Units finished so far.
        total: Units there are.
        values: Figures to show beside it, such as the loss.
    """

    step: str
    done: int
    total: int
    values: Mapping[str, float] = field(default_factory=dict)


ProgressCallback = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """The callback of a caller who does not want to know."""
