"""How the weights of losses change while training goes on."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tinybert.base.errors import InputError, said, short
from tinybert.base.files import hash_path
from tinybert.base.users_code import binds, find_module, users_modules


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
        {'prediction': 0.0, 'label': 0.0, 'similarities': 0.0}
    """
    if moment.share < 0.5:
        return {"prediction": 0.0, "label": 0.0, "similarities": 0.0}
    return {"embedding": 0.0, "hidden": 0.0, "attention": 0.0, "relations": 0.0}


def ramp(moment: Moment) -> Mapping[str, float]:
    """Predictions gain weight over ten epochs, embeddings lose it.

    The weights are those of the TinyBERT articles: predictions min(0.8 · epoch / 10, 0.8),
    embeddings 0.1 · (1 - epoch / 10), hidden states 0.1.

    Example:
        >>> ramp(Moment(epoch=5.0, share=0.25))
        {'prediction': 0.4, 'embedding': 0.05, 'hidden': 0.1}
    """
    done = min(moment.epoch / 10, 1.0)
    return {"prediction": 0.8 * done, "embedding": 0.1 * (1 - done), "hidden": 0.1}


SCHEDULES: dict[str, Schedule] = {
    "constant": constant,
    "two-phase": two_phase,
    "ramp": ramp,
}


def find_schedule(name: str) -> Schedule:
    """A schedule by its name, or a user's own by "module:function", which is imported and so run.

    Raises:
        InputError: There is no such schedule, or the user's can't be imported.
    """
    if name in SCHEDULES:
        return SCHEDULES[name]
    module, function = _parts(name)
    with users_modules():
        try:
            found: Any = getattr(importlib.import_module(module), function)
        except Exception as error:  # whatever a user's module may raise
            raise _no_import(name, error) from None
    if not callable(found):
        raise InputError(f"{name!r} is no function of a moment of training")
    return found


def require_schedule(name: str) -> None:
    """Refuses a schedule that is not there, as far as can be told without running a user's code.

    Raises:
        InputError: There is no such schedule, module or function, or the module is no Python.
    """
    if name in SCHEDULES:
        return
    module, function = _parts(name)
    try:
        file = find_module(module)
        if file is not None and not binds(file, function):
            raise ImportError(f"{file} has no {function!r}")
    except (ImportError, OSError, SyntaxError, ValueError) as error:
        raise _no_import(name, error) from None


def _parts(name: str) -> tuple[str, str]:
    module, colon, function = name.partition(":")
    if name == "article":  # as it was called once
        raise InputError("'article' is called 'ramp' now")
    if not colon:
        raise InputError(
            f"unknown schedule {short(name)}; known: {', '.join(SCHEDULES)}, "
            "or your own function as 'module:function'"
        )
    return module, function


def _no_import(name: str, error: Exception) -> InputError:
    return InputError(f"can't import the schedule {short(name)}: {said(error)}")


def check_schedule(name: str, weights: Mapping[str, float], epochs: float) -> None:
    """Refuses a schedule that leaves nothing to learn from, or knows losses that are not there.

    It calls the schedule, a user's own too.

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
    """A hash of the file of a user's own schedule, which is not run; None for ours.

    Raises:
        InputError: There is no such schedule.
    """
    if name in SCHEDULES:
        return None
    require_schedule(name)
    # Of the module: a partial or an object with settings of its own has no file.
    file = find_module(_parts(name)[0])
    return None if file is None else hash_path(file)
