"""How sure a metric is: bootstrap intervals over rows."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Measure = Callable[[NDArray[Any]], float]
"""A metric of some entries of a tally, such as `functools.partial(task.measure, "f1")`."""

LEVEL = 0.95
"""The share of resamples that report.json's intervals hold."""


def resample(
    measure: Measure, tallies: Sequence[NDArray[Any]], *, samples: int = 1000, seed: int = 0
) -> NDArray[np.float64]:
    """A metric of several models on rows drawn again and again, each time the same for all models.

    What two models differ by is much surer than either metric: rows that are hard are hard for
    both. So take differences or ratios within a resample, and then the interval of these.

    Args:
        measure: The metric of the entries of some rows.
        tallies: What it is computed of, (rows, ...), of each model: see `Task.tally`.
        samples: How many times the rows are drawn, with replacement.
        seed: Of the draws.

    Returns:
        (samples, models).

    Example:
        >>> right = [np.repeat([1, 0], [90, 10]), np.repeat([1, 0], [91, 9])]
        >>> values = resample(np.mean, right)
        >>> [round(end, 2) for end in interval(values[:, 0])]
        [0.84, 0.96]
        >>> [round(end, 2) for end in interval(values[:, 1] - values[:, 0])]
        [0.0, 0.03]
    """
    generator = np.random.default_rng(seed)
    values = np.empty((samples, len(tallies)))
    count = len(tallies[0])
    # One resample at a time: memory stays that of the rows however many there are.
    for sample in range(samples):
        rows = generator.integers(count, size=count)
        values[sample] = [measure(tally[rows]) for tally in tallies]
    return values


def interval(values: NDArray[np.float64], level: float = LEVEL) -> tuple[float, float]:
    """The ends between which a share of some values lies, as much beyond one as the other."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bootstrap_interval(
    measure: Measure,
    tally: NDArray[Any],
    *,
    level: float = LEVEL,
    samples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """The percentile interval of a metric over resampled rows; the same for the same seed.

    Args:
        measure: The metric of the entries of some rows.
        tally: What it is computed of, (rows, ...).
        level: The share of resamples inside the interval.
        samples: How many times the rows are drawn, with replacement.
        seed: Of the draws.

    Example:
        >>> bootstrap_interval(np.mean, np.repeat([1, 0], [80, 20]))
        (0.72, 0.88)
    """
    values = resample(measure, [tally], samples=samples, seed=seed)
    return interval(values[:, 0], level)
