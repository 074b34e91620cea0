"""How much of one model's metric another keeps, both of them on the same rows."""

from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from tinybert.measure.intervals import interval, resample
from tinybert.tasks.metrics import METRICS, accuracy
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
) -> Comparison:
    """Compares two models' metrics, their intervals being those of pairs.

    Args:
        task: Whose first metric counts.
        logits: Of the model, (rows, outputs); one row at least.
        base: Of the model that it is compared with, likewise.
        labels: (rows,). Without, the model is asked for the base's answers.

    Example:
        >>> from tinybert.tasks import get_task
        >>> task = get_task({"kind": "text-classification", "labels": ["no", "yes"]})
        >>> right, wrong = np.float32([[0, 1]]), np.float32([[1, 0]])
        >>> base, model = right.repeat(100, 0), np.vstack([right.repeat(99, 0), wrong])
        >>> found = compare(task, model, base, np.ones(100, int))
        >>> found["value"], found["retention"], found["retention_low"], found["retention_high"]
        (0.99, 0.99, 0.97, 1.0)
    """
    if labels is None:
        name, labels = AGREEMENT, np.ones(len(logits), bool)
        sides = [task.agrees(logits, base), labels]
    else:
        name, labels = task.metric, task.as_counted(labels)
        sides = [task.as_counted(task.answers(each)) for each in (logits, base)]
    metric = METRICS.get(name, accuracy)  # agreement: the share of rows that agree
    ours, theirs = (metric(side, labels) for side in sides)
    drawn = resample(metric, sides, labels)
    least = (1 - MOST_LOST * np.sign(drawn[:, 1])) * drawn[:, 1]
    margin_low, margin_high = interval(drawn[:, 0] - least)
    low = high = retention = None
    if theirs > 0 and (drawn[:, 1] > 0).all():
        retention = ours / theirs
        low, high = interval(drawn[:, 0] / drawn[:, 1])
    return Comparison(
        rows=len(labels),
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
