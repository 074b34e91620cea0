"""How the weights of losses change while training goes on."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tinybert.errors import InputError


@dataclass(frozen=True)
class Moment:
    """A moment of training.

    Attributes:
        epoch: Passes over the rows so far.
        share: Of all optimizer steps, from 0 to 1.
    """

    epoch: float
    share: float


Schedule = Callable[[Moment], Mapping[str, float]]
"""What each loss's weight is multiplied by at a moment; a loss that it does not name keeps its
weight, one at 0 is not computed."""


def constant(moment: Moment) -> Mapping[str, float]:
    """The weights stay as they are."""
    return {}


def two_phase(moment: Moment) -> Mapping[str, float]:
    """First the layers, then the predictions, each for half of the time (TinyBERT, section 3.3).

    Example:
        >>> two_phase(Moment(epoch=0, share=0.2))
        {'prediction': 0.0, 'label': 0.0}
    """
    if moment.share < 0.5:
        return {"prediction": 0.0, "label": 0.0}
    return {"embedding": 0.0, "hidden": 0.0, "attention": 0.0, "relations": 0.0}


def article(moment: Moment) -> Mapping[str, float]:
    """Predictions gain weight over ten epochs, embeddings lose it.

    The articles' weights: predictions min(0.8 · epoch / 10, 0.8), embeddings
    0.1 · (1 - epoch / 10), hidden states 0.1.

    Example:
        >>> article(Moment(epoch=5.0, share=0.25))
        {'prediction': 0.4, 'embedding': 0.05, 'hidden': 0.1}
    """
    done = min(moment.epoch / 10, 1.0)
    return {"prediction": 0.8 * done, "embedding": 0.1 * (1 - done), "hidden": 0.1}


SCHEDULES: dict[str, Schedule] = {
    "constant": constant,
    "two-phase": two_phase,
    "article": article,
}


def find_schedule(name: str) -> Schedule:
    """A schedule by its name, or a user's own by "module:function".

    Raises:
        InputError: There is no such schedule, or the user's can't be imported.
    """
    if name in SCHEDULES:
        return SCHEDULES[name]
    module, colon, function = name.partition(":")
    if not colon:
        raise InputError(
            f"unknown schedule {name!r}; known: {', '.join(SCHEDULES)}, "
            "or your own function as 'module:function'"
        )
    try:
        found: Any = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"can't import the schedule {name!r}: {error}") from None
    if not callable(found):
        raise InputError(f"{name!r} is no function of a moment of training")
    return found
