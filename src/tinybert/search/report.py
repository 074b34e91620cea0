"""What report.json says of a search."""

from typing import Any

import optuna
from optuna.trial import FrozenTrial

from tinybert.search.fit import Fit
from tinybert.search.study import OUTCOME, candidate_of, finished, seconds_of

_FIGURES = ("size_mb", "latency_ms", "drop", "distance")


def report_of(study: optuna.Study, best: FrozenTrial, share: float, fit: Fit) -> dict[str, Any]:
    """The candidates that were trained, which of them is not beaten, and which was chosen.

    Args:
        study: The record of the search.
        best: The trial that was chosen.
        share: Of its training that the winner gets.
        fit: What candidates cost.

    Returns:
        "trials", how many; "seconds" of all of them; "trial", the number of the one that was
        chosen; "chosen", its settings; "share"; and "candidates", each with its settings, share of
        training, size, expected latency, drop and distance on held-out training rows, and whether
        it is on the "frontier": no other of as much training is better in one of these and as good
        in the rest.
    """
    return {
        **so_far(study, fit),
        "trial": best.number,
        "chosen": fit.space.settings(candidate_of(best)),
        "share": round(share, 4),
    }


def so_far(study: optuna.Study, fit: Fit) -> dict[str, Any]:
    """What is known of a search before anything is chosen; see `report_of`."""
    done = finished(study)
    candidates = [_entry(trial, fit) for trial in done]
    for each in candidates:
        each["frontier"] = not any(_beats(other, each) for other in candidates)
    return {
        "trials": len(done),
        "seconds": round(sum(map(seconds_of, done)), 1),
        "candidates": candidates,
    }


def _entry(trial: FrozenTrial, fit: Fit) -> dict[str, Any]:
    found, candidate = trial.user_attrs[OUTCOME], candidate_of(trial)
    costs = fit.of(candidate)
    latency = None if costs is None or costs.latency_ms is None else round(costs.latency_ms, 3)
    return {
        "trial": trial.number,
        "settings": fit.space.settings(candidate),
        "share": round(found["share"], 4),
        "size_mb": round(found["size_mb"], 3),
        "latency_ms": latency,
        "drop": None if found["drop"] is None else round(found["drop"], 4),
        "distance": round(found["distance"], 5),
    }


def _beats(other: dict[str, Any], one: dict[str, Any]) -> bool:
    """Whether another is no worse in all figures and better in one, with as much training."""
    if other["share"] < one["share"]:
        return False
    pairs = [(other[name], one[name]) for name in _FIGURES if one[name] is not None]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
