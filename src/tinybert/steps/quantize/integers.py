"""Floats to integers and their scales: the arithmetic that files and training share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

NARROWEST = 16
"""Weights narrower than this stay float: a head's, which cost no bytes and whose error is
nowhere averaged out, and tables of a few rows."""

TWO_BITS = 1.5
"""The larger of the two sizes of a value of 2 bits; the smaller is 0.5, and no value is 0.

With as many values on either side of 0, those of a normal distribution lose 12% of their variance;
-1, 0 and 1 would lose 19%."""

LARGEST = {8: 127, 4: 7, 2: TWO_BITS}
"""What the largest of the values that share a scale becomes, by bits; of 2 bits, all large ones."""

TIE = 1.001
"""Values of 2 bits are large above the root of their mean square, about the best step for a normal
distribution. This much more is for values that are all of one size: rounded, they are small, and
will be so again."""

REDUCED = 63
"""The same for 7 bits: no sum of two products with uint8 leaves 16 bits."""

LEVELS = 255
"""The largest uint8, which the largest activation becomes."""


def worth_quantizing(array: NDArray[Any]) -> bool:
    """Whether a file's constant is a float matrix that is wide enough.

    Example:
        >>> worth_quantizing(np.ones((16, 16), np.float32)), worth_quantizing(np.ones((2, 16)))
        (True, False)
    """
    return array.dtype == np.float32 and array.ndim == 2 and min(array.shape) >= NARROWEST


def quantize_weights(
    weights: NDArray[np.float32], axis: int, largest: float = 127, group_size: int | None = None
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Rounds weights to integers, zero at zero, each slice by its own largest value.

    What is rounded already is rounded to the same.

    Args:
        weights: A matrix.
        axis: The axis that a scale spans: 0 gives each column its scale.
        largest: The integer that the largest value becomes; or `TWO_BITS`.
        group_size: Values along `axis` that share a scale; None: all. The last group may be
            smaller.

    Returns:
        The integers, and the scales that they are multiplied by, with `axis` as long as there
        are groups: 1 without groups. Of 2 bits, the integers are half a step below the values.

    Example:
        >>> integers, scales = quantize_weights(np.array([[1, 8], [2, 4]], np.float32), axis=1)
        >>> integers.tolist()
        [[16, 127], [64, 127]]
    """
    starts = np.arange(0, weights.shape[axis], group_size or weights.shape[axis])
    if largest == TWO_BITS:
        return _two_bits(weights, axis, starts, groups(weights.shape[axis], group_size))
    scales = np.maximum.reduceat(np.abs(weights), starts, axis=axis) / np.float32(largest)
    scales[scales == 0] = 1
    spread = scales.take(groups(weights.shape[axis], group_size), axis=axis)
    return np.rint(weights / spread).astype(np.int8), scales.astype(np.float32)


def _two_bits(
    weights: NDArray[np.float32], axis: int, starts: NDArray[Any], places: NDArray[Any]
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """The integers, and the scales that suit them best by least squares."""

    def sums(values: NDArray[Any]) -> NDArray[np.float64]:
        added: NDArray[np.float64] = np.add.reduceat(values, starts, axis=axis, dtype=np.float64)
        return added

    sizes = np.abs(weights)
    limits = TIE * np.sqrt(sums(sizes**2) / sums(np.ones_like(sizes)))
    levels = np.where(sizes > limits.take(places, axis=axis), TWO_BITS, 0.5)
    scales = sums(sizes * levels) / sums(levels**2)
    return np.floor(np.copysign(levels, weights)).astype(np.int8), scales.astype(np.float32)


def groups(length: int, group_size: int | None) -> NDArray[np.int64]:
    """The group of each place along an axis.

    Example:
        >>> groups(5, 2).tolist(), groups(3, None).tolist()
        ([0, 0, 1, 1, 2], [0, 0, 0])
    """
    return np.arange(length) // (group_size or length)


def uint8_grid(low: float, high: float) -> tuple[np.float32, np.uint8]:
    """Scale and zero point of activations between `low` and `high`; zero has a place of its own.

    Example:
        >>> uint8_grid(-1.0, 4.1)
        (np.float32(0.02), np.uint8(50))
    """
    least, most = np.float32(min(low, 0)), np.float32(max(high, 0))
    scale = (most - least) / np.float32(LEVELS) or np.float32(1)
    return scale, np.uint8(np.rint(-least / scale))
