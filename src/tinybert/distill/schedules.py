"""How the weights of losses change while training goes on."""

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinybert.errors import InputError
from tinybert.files import hash_path


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
    sys.path.insert(0, os.getcwd())  # where `python -m` and torchrun look, but a script does not
    try:
        found: Any = getattr(importlib.import_module(module), function)
    except Exception as error:  # whatever a user's module may raise
        raise InputError(f"can't import the schedule {name!r}: {error}") from None
    finally:
        sys.path.remove(os.getcwd())
    if not callable(found):
        raise InputError(f"{name!r} is no function of a moment of training")
    return found


def check_schedule(name: str, weights: Mapping[str, float], epochs: float) -> None:
    """Refuses a schedule that leaves nothing to learn from, or knows losses that are not there.

    Args:
        name: As for `find_schedule`.
        weights: Of the losses, by name.
        epochs: Length of the training.

    Raises:
        InputError: It can't be found, fails, or does that.
    """
    schedule = find_schedule(name)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        moment = Moment(epochs * share, share)
        try:
            factors = {loss: float(factor) for loss, factor in schedule(moment).items()}
        except Exception as error:  # whatever a user's function may raise
            raise InputError(f"{name!r} fails at {moment}: {error}") from None
        if unknown := factors.keys() - weights:
            raise InputError(
                f"{name!r} names no loss: {unknown.pop()}; known: {', '.join(weights)}"
            )
        if not any(weight * factors.get(loss, 1.0) for loss, weight in weights.items()):
            raise InputError(
                f"{name!r} leaves no loss at epoch {moment.epoch:g}: give one that counts then a "
                "weight, such as hidden: 1.0"
            )


def hash_schedule(name: str) -> str | None:
    """A hash of the file of a user's own schedule; None for ours."""
    if name in SCHEDULES:
        return None
    find_schedule(name)
    # Of the module: a partial or an object with settings of its own has no file.
    file = sys.modules[name.partition(":")[0]].__file__
    return None if file is None else hash_path(Path(file))
