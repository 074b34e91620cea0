"""How sure a metric is: bootstrap intervals over rows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinybert.tasks.metrics import Metric

LEVEL = 0.95
"""The share of resamples that report.json's intervals hold."""


def resample(
    metric: Metric,
    predictions: Sequence[ArrayLike],
    labels: ArrayLike,
    *,
    samples: int = 1000,
    seed: int = 0,
) -> NDArray[np.float64]:
    """A metric of several models on rows drawn again and again, each time the same for all models.

    What two models differ by is much surer than either metric: rows that are hard are hard for
    both. So take differences or ratios within a resample, and then the interval of these.

    Args:
        metric: Such as `metrics.accuracy`.
        predictions: (rows,) of each model.
        labels: (rows,).
        samples: How many times the rows are drawn, with replacement.
        seed: Of the draws.

    Returns:
        (samples, models).

    Example:
        >>> from tinybert.tasks.metrics import accuracy
        >>> values = resample(accuracy, [[1] * 90 + [0] * 10, [1] * 91 + [0] * 9], [1] * 100)
        >>> [round(end, 2) for end in interval(values[:, 0])]
        [0.84, 0.96]
        >>> [round(end, 2) for end in interval(values[:, 1] - values[:, 0])]
        [0.0, 0.03]
    """
    predicted, true = [np.asarray(each) for each in predictions], np.asarray(labels)
    generator = np.random.default_rng(seed)
    values = np.empty((samples, len(predicted)))
    # One resample at a time: memory stays that of the rows however many there are.
    for sample in range(samples):
        rows = generator.integers(len(true), size=len(true))
        values[sample] = [metric(each[rows], true[rows]) for each in predicted]
    return values


def interval(values: NDArray[np.float64], level: float = LEVEL) -> tuple[float, float]:
    """The ends between which a share of some values lies, as much beyond one as the other."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bootstrap_interval(
    metric: Metric,
    predictions: ArrayLike,
    labels: ArrayLike,
    *,
    level: float = LEVEL,
    samples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """The percentile interval of a metric over resampled rows; the same for the same seed.

    Args:
        metric: Such as `metrics.accuracy`.
        predictions: (rows,).
        labels: (rows,).
        level: The share of resamples inside the interval.
        samples: How many times the rows are drawn, with replacement.
        seed: Of the draws.

    Example:
        >>> from tinybert.tasks.metrics import accuracy
        >>> bootstrap_interval(accuracy, [1] * 80 + [0] * 20, [1] * 100)
        (0.72, 0.88)
    """
    values = resample(metric, [predictions], labels, samples=samples, seed=seed)
    return interval(values[:, 0], level)
