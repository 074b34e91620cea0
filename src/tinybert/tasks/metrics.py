"""Metrics as GLUE defines them, on numpy alone.

Each takes predictions and labels, (rows,) both, and returns one float. None returns
NaN: where a metric is undefined (one class only, constant values) it is 0.0.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Metric = Callable[[ArrayLike, ArrayLike], float]


def accuracy(predictions: ArrayLike, labels: ArrayLike) -> float:
    """The share of rows that are right.

    Example:
        >>> accuracy([0, 1, 1, 1], [0, 1, 0, 1])
        0.75
    """
    predictions, labels = _rows(predictions, labels)
    return float(np.mean(predictions == labels))


def f1(predictions: ArrayLike, labels: ArrayLike) -> float:
    """Harmonic mean of precision and recall of class 1, for two classes.

    Example:
        >>> f1([0, 1, 1, 1], [0, 1, 0, 1])
        0.8
    """
    predictions, labels = _rows(predictions, labels)
    hits = np.sum((predictions == 1) & (labels == 1))
    return _ratio(2 * hits, np.sum(predictions == 1) + np.sum(labels == 1))


def macro_f1(predictions: ArrayLike, labels: ArrayLike) -> float:
    """The mean over classes of their F1, for the classes that occur in either.

    Example:
        >>> round(macro_f1([0, 1, 1, 2], [0, 1, 2, 2]), 4)
        0.7778
    """
    counts = _confusion(predictions, labels)
    occurring = counts.sum(axis=0) + counts.sum(axis=1)
    present = occurring > 0
    return float(np.mean(2 * np.diagonal(counts)[present] / occurring[present]))


def matthews(predictions: ArrayLike, labels: ArrayLike) -> float:
    """Matthews' correlation coefficient, for two classes or more.

    Example:
        >>> matthews([0, 1, 1, 0], [0, 1, 0, 1])
        0.0
    """
    counts = _confusion(predictions, labels)
    predicted, true, rows = counts.sum(axis=0), counts.sum(axis=1), counts.sum()
    covariance = np.trace(counts) * rows - predicted @ true
    spread = (rows**2 - predicted @ predicted) * (rows**2 - true @ true)
    return _ratio(covariance, np.sqrt(spread))


def pearson(predictions: ArrayLike, labels: ArrayLike) -> float:
    """Pearson's correlation; 0.0 where either side is constant or not finite.

    Example:
        >>> round(pearson([1, 2, 3], [1, 2, 4]), 4)
        0.982
    """
    x, y = (side.astype(np.float64) for side in _rows(predictions, labels))
    # The spread, not the variance: rounding gives a constant a tiny variance. NaN fails both.
    if not (0 < np.ptp(x) < np.inf and 0 < np.ptp(y) < np.inf):
        return 0.0
    x, y = x - x.mean(), y - y.mean()
    # Not x @ y: BLAS threads have been seen to stall on a busy machine, and it is no faster alone.
    norm = np.sqrt(np.sum(x * x) * np.sum(y * y))
    return float(np.clip(_ratio(np.sum(x * y), norm), -1.0, 1.0))


def spearman(predictions: ArrayLike, labels: ArrayLike) -> float:
    """Pearson's correlation of the ranks; equal values share their average rank.

    Example:
        >>> spearman([1, 2, 30], [1, 5, 6])
        1.0
    """
    x, y = _rows(predictions, labels)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return 0.0
    return pearson(_average_ranks(x), _average_ranks(y))


def mse(predictions: ArrayLike, labels: ArrayLike) -> float:
    """The mean squared error; lower is better.

    Example:
        >>> mse([1, 2], [1, 4])
        2.0
    """
    x, y = (side.astype(np.float64) for side in _rows(predictions, labels))
    return float(np.mean((x - y) ** 2))


AGREEMENT = "agreement"
"""The share of answers that are the teacher's: what rows without labels are scored by."""

METRICS: dict[str, Metric] = {
    **{each.__name__: each for each in (accuracy, f1, macro_f1, matthews, mse, pearson, spearman)},
    AGREEMENT: accuracy,
}
"""Every metric by the name that recipes and report.json use."""

LOWER_IS_BETTER = frozenset({"mse", "perplexity"})
"""The metrics of which a better model has less."""


def _rows(predictions: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.generic], ...]:
    rows = np.asarray(predictions), np.asarray(labels)
    if rows[0].ndim != 1 or rows[0].shape != rows[1].shape or not len(rows[0]):
        raise ValueError(
            f"predictions and labels must be (rows,), not {rows[0].shape} and {rows[1].shape}"
        )
    return rows


def _confusion(predictions: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """Row counts by (label, prediction), (classes, classes)."""
    predicted, true = (side.astype(np.int64) for side in _rows(predictions, labels))
    classes = int(max(predicted.max(), true.max())) + 1
    counts = np.bincount(true * classes + predicted, minlength=classes**2)
    return counts.reshape(classes, classes).astype(np.float64)


def _average_ranks(values: NDArray[np.generic]) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def _ratio(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator > 0 else 0.0
