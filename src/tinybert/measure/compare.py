"""How much of one model's metric another keeps, both of them on the same rows."""

from typing import Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinybert.measure.intervals import interval, resample
from tinybert.tasks.task import Task

MOST_LOST = 0.02
"""The share of a metric that a smaller model may lose and still be said to keep it: the articles'
limit for GLUE."""

SHARE = f"{100 * (1 - MOST_LOST):.0f}%"
"""What is kept then, in words."""

AGREEMENT = "agreement"
"""What is compared where rows have no labels: whether both models answer alike."""


class Comparison(TypedDict):
    """How a model compares with its base, as report.json has it.

    Attributes:
        rows: On which both were run.
        metric: The task's first, or "agreement".
        value: Of the model.
        base: Of the base; 1.0 of agreement.
        retention: value / base, with its 95% interval; None where the base is not surely above 0,
            as a weak model's correlation may be.
        margin: By how much the value is above 98% of the base, with its 95% interval. It has a
            meaning whatever the base is.
    """

    rows: int
    metric: str
    value: float
    base: float
    retention: float | None
    retention_low: float | None
    retention_high: float | None
    margin: float
    margin_low: float
    margin_high: float


def compare(
    task: Task,
    logits: NDArray[np.float32],
    base: NDArray[np.float32],
    labels: NDArray[Any] | None,
    base_task: Task | None = None,
) -> Comparison:
    """Compares two models' metrics, their intervals being those of pairs.

    Args:
        task: Whose first metric counts, with the model's thresholds if it has any.
        logits: Of the model, (rows, outputs); one row at least.
        base: Of the model that it is compared with, likewise.
        labels: (rows,), or (rows, labels). Without, the model is asked for the base's answers.
        base_task: The same, with the base's thresholds; default: those of the model.

    Example:
        >>> from tinybert.tasks import get_task
        >>> task = get_task({"kind": "text-classification", "labels": ["no", "yes"]})
        >>> right, wrong = np.float32([[0, 1]]), np.float32([[1, 0]])
        >>> base, model = right.repeat(100, 0), np.vstack([right.repeat(99, 0), wrong])
        >>> found = compare(task, model, base, np.ones(100, int))
        >>> found["value"], found["retention"], found["retention_low"], found["retention_high"]
        (0.99, 0.99, 0.97, 1.0)
    """
    name = AGREEMENT if labels is None else task.metric
    if labels is None:
        tallies = [task.agrees(logits, base), np.ones(len(logits), bool)]
    else:
        tallies = [task.tally(logits, labels), (base_task or task).tally(base, labels)]

    def measure(rows: ArrayLike, _: ArrayLike) -> float:
        if labels is None:
            return float(np.mean(np.asarray(rows)))  # the share of rows that agree
        return task.measure(name, np.asarray(rows))

    ours, theirs = (measure(tally, tally) for tally in tallies)
    drawn = resample(measure, tallies, np.arange(len(logits)))
    least = (1 - MOST_LOST * np.sign(drawn[:, 1])) * drawn[:, 1]
    margin_low, margin_high = interval(drawn[:, 0] - least)
    low = high = retention = None
    if theirs > 0 and (drawn[:, 1] > 0).all():
        retention = ours / theirs
        low, high = interval(drawn[:, 0] / drawn[:, 1])
    return Comparison(
        rows=len(logits),
        metric=name,
        value=ours,
        base=theirs,
        retention=retention,
        retention_low=low,
        retention_high=high,
        margin=ours - (theirs - MOST_LOST * abs(theirs)),
        margin_low=margin_low,
        margin_high=margin_high,
    )
