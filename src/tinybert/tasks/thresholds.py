"""Thresholds of probabilities: which labels a row is given, chosen on rows with labels.

The choice maximises F1, exactly: every threshold that makes a difference is looked at. For one
threshold of all labels, all scores are sorted once. For one a label, macro F1 parts into labels;
micro F1 does not, since its denominator is shared, but 2 · hits - F · chosen does for a fixed F,
and F is found by repetition (Dinkelbach's method for ratios).
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinybert.base.errors import InputError
from tinybert.tasks.label_set_metrics import f1_of_counts

Goal = Literal["micro_f1", "macro_f1"]

DEFAULT = 0.5
"""Where a label is as likely as not."""


def sigmoid(logits: ArrayLike) -> NDArray[np.float64]:
    """Probabilities of logits, in float64, without overflow.

    Example:
        >>> sigmoid([-800.0, 0.0, 800.0]).tolist()
        [0.0, 0.5, 1.0]
    """
    values = np.asarray(logits, np.float64)
    powers = np.exp(-np.abs(values))
    return np.where(values < 0, powers, 1.0) / (1.0 + powers)


def best_threshold(scores: ArrayLike, labels: ArrayLike, goal: Goal = "micro_f1") -> float:
    """The one threshold of all labels with the highest F1.

    Args:
        scores: (rows, labels), probabilities.
        labels: (rows, labels), 0 or 1.
        goal: The F1 to maximise.

    Returns:
        Midway between the lowest score that is chosen and the highest that is not.

    Example:
        >>> best_threshold([[0.9, 0.2], [0.6, 0.3]], [[1, 0], [1, 1]])
        0.25
    """
    scored, right = np.asarray(scores, np.float64), np.asarray(labels, bool)
    order = np.argsort(-scored, axis=None, kind="stable")
    ordered, hits = scored.ravel()[order], right.ravel()[order]
    if goal == "micro_f1":
        values = f1_of_counts(hits.cumsum(), np.arange(1, len(order) + 1), right.sum())
    else:
        # Each score that is chosen changes the F1 of its own label alone.
        steps = np.zeros_like(scored)
        for label in range(scored.shape[1]):
            own = np.argsort(-scored[:, label], kind="stable")
            found = right[own, label]
            f1 = f1_of_counts(found.cumsum(), np.arange(1, len(own) + 1), found.sum())
            steps[own, label] = np.diff(f1, prepend=0.0)
        values = steps.ravel()[order].cumsum() / scored.shape[1]
    return _cut(ordered, values)


def best_thresholds(
    scores: ArrayLike, labels: ArrayLike, goal: Goal = "micro_f1"
) -> NDArray[np.float64]:
    """The threshold of each label with which F1 is highest.

    Args:
        scores: (rows, labels), probabilities.
        labels: (rows, labels), 0 or 1.
        goal: The F1 to maximise. For "macro_f1" each label's own is; that of a label of few rows
            is fitted to these few.

    Returns:
        (labels,). A label that no row has is chosen by no score below 1.

    Example:
        >>> best_thresholds([[0.9, 0.2], [0.6, 0.3]], [[1, 0], [1, 1]]).tolist()
        [0.3, 0.25]
    """
    scored, right = np.asarray(scores, np.float64), np.asarray(labels, bool)
    columns = []
    for label in range(scored.shape[1]):
        order = np.argsort(-scored[:, label], kind="stable")
        columns.append((scored[order, label], right[order, label]))
    counts = np.arange(1, len(scored) + 1)
    if goal == "macro_f1":
        return np.array(
            [_cut(s, f1_of_counts(hits.cumsum(), counts, hits.sum())) for s, hits in columns]
        )
    value, before = best_f1(scored, right), -1.0
    while value > before:  # it rises to the highest in a handful of turns
        before = value
        cuts = [_cut(own, 2 * hits.cumsum() - before * counts) for own, hits in columns]
        chosen = scored >= np.array(cuts)
        value = float(f1_of_counts((chosen & right).sum(), chosen.sum(), right.sum()))
    return np.array(cuts)


def best_f1(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """Micro F1 at the best threshold of all labels."""
    chosen = scores >= best_threshold(scores, labels)
    return float(f1_of_counts((chosen & labels).sum(), chosen.sum(), labels.sum()))


def read_thresholds(saved: Mapping[str, Any], count: int) -> tuple[float, ...]:
    """The thresholds that a config.json has, one a label; empty where it has none.

    Args:
        saved: What it says of the task.
        count: Of the labels.

    Raises:
        InputError: They are no probabilities, or not as many as labels.

    Example:
        >>> read_thresholds({"thresholds": [0.5, 0.25]}, 2)
        (0.5, 0.25)
    """
    values = saved.get("thresholds", ())
    numbers = isinstance(values, list | tuple) and all(map(is_probability, values))
    if not numbers or len(values) not in (0, count):
        raise InputError('config.json: "tinybert": "task": \'thresholds\' is damaged')
    return tuple(map(float, values))


def is_probability(value: object) -> bool:
    """Whether a value is a number from 0 to 1.

    Example:
        >>> is_probability(0.3), is_probability("0.3"), is_probability(True)
        (True, False, False)
    """
    return isinstance(value, int | float) and type(value) is not bool and 0 <= value <= 1


def _cut(scores: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """The threshold below the score down to which the value is highest.

    Args:
        scores: (n,), falling.
        values: (n,), of choosing all scores down to each; choosing none is worth 0.
    """
    following = np.append(scores[1:], 0.0)
    # Equal scores are chosen together.
    possible = np.append(scores[:-1] != scores[1:], True)
    best = int(np.argmax(np.where(possible, values, -np.inf)))
    if values[best] <= 0:
        return float(1.0 + scores[0]) / 2 if scores[0] < 1 else 1.0
    middle = float((scores[best] + following[best]) / 2)
    return middle if middle > following[best] else float(scores[best])
