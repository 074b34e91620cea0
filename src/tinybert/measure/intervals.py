"""How sure a metric is: bootstrap intervals over rows."""

import numpy as np
from numpy.typing import ArrayLike

from tinybert.measure.metrics import Metric


def bootstrap_interval(
    metric: Metric,
    predictions: ArrayLike,
    labels: ArrayLike,
    *,
    level: float = 0.95,
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
        >>> from tinybert.measure.metrics import accuracy
        >>> bootstrap_interval(accuracy, [1] * 80 + [0] * 20, [1] * 100)
        (0.72, 0.88)
    """
    predicted, true = np.asarray(predictions), np.asarray(labels)
    generator = np.random.default_rng(seed)
    values = np.empty(samples)
    # One resample at a time: memory stays that of the rows however many there are.
    for sample in range(samples):
        rows = generator.integers(len(true), size=len(true))
        values[sample] = metric(predicted[rows], true[rows])
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
