"""How much of one model's metric another keeps, both of them on the same rows."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from tinybert.measure.intervals import interval, resample
from tinybert.tasks.outputs import Outputs
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
        retention: value / base, or base / value where a lower value is the better one, with its
            95% interval; None where what it is divided by is not surely above 0, as a weak model's
            correlation may be.
        margin: By how much the value is better than 98% of the base, with its 95% interval. It has
            a meaning whatever the base is.
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
    outputs: Outputs,
    base: Outputs,
    labels: NDArray[Any] | None,
    base_task: Task | None = None,
) -> Comparison:
    """Compares two models' metrics, their intervals being those of pairs.

    Args:
        task: Whose first metric counts, with the model's thresholds if it has any.
        outputs: Of the model; one row at least.
        base: Of the model that it is compared with, on the same rows.
        labels: Of the rows. Without, the model is asked for the base's answers.
        base_task: The same, with the base's thresholds; default: those of the model.

    Example:
        >>> from tinybert.tasks import get_task
        >>> task = get_task({"kind": "text-classification", "labels": ["no", "yes"]})
        >>> right, wrong = np.float32([[0, 1]]), np.float32([[1, 0]])
        >>> base, model = right.repeat(100, 0), np.vstack([right.repeat(99, 0), wrong])
        >>> base, model = (Outputs({"logits": each}) for each in (base, model))
        >>> found = compare(task, model, base, np.ones(100, int))
        >>> found["value"], found["retention"], found["retention_low"], found["retention_high"]
        (0.99, 0.99, 0.97, 1.0)
    """
    measure: Callable[[NDArray[Any]], float]
    if labels is None:
        name, measure, sign = AGREEMENT, _share, 1
        sides = [task.agreement(each, base) for each in (outputs, base)]
    else:
        name, measure = task.metric, partial(task.measure, task.metric)
        sides = [task.tally(outputs, labels), (base_task or task).tally(base, labels)]
        sign = 1 if task.higher_is_better else -1
    ours, theirs = map(measure, sides)
    drawn = resample(measure, sides)
    least = (1 - sign * MOST_LOST * np.sign(drawn[:, 1])) * drawn[:, 1]
    margin_low, margin_high = interval(sign * (drawn[:, 0] - least))
    low = high = retention = None
    share, of = (0, 1)[::sign]  # what is better when it is more comes first
    if (ours, theirs)[of] > 0 and (drawn[:, of] > 0).all():
        retention = (ours, theirs)[share] / (ours, theirs)[of]
        low, high = interval(drawn[:, share] / drawn[:, of])
    return Comparison(
        rows=len(outputs),
        metric=name,
        value=ours,
        base=theirs,
        retention=retention,
        retention_low=low,
        retention_high=high,
        margin=sign * (ours - (theirs - sign * MOST_LOST * abs(theirs))),
        margin_low=margin_low,
        margin_high=margin_high,
    )


def _share(counts: NDArray[Any]) -> float:
    agree, answers = counts.sum(axis=0)
    return float(agree / answers)
