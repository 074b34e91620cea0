"""Training rows on which a quantized file is compared with the model that it is made of."""

import random
from collections.abc import Collection
from dataclasses import dataclass

from tinybert.tasks.task import Examples, Text

MOST_ROWS = 500
"""Enough to tell 99% of a metric from 98%, and seconds to run."""


@dataclass(frozen=True)
class HeldOut:
    """Training rows that the quantization has not been fitted to.

    The model that is quantized has learned from them, and so do its quantized forms where they are
    trained (`qat`); but the file to ship is not chosen by them as by evaluation rows, whose metric
    would look better than it is.

    Attributes:
        rows: With labels where the training rows have them.
        learned: Whether the quantized model was trained on them.
    """

    rows: Examples
    learned: bool = False


def hold_out(rows: Examples, seen: Collection[Text], seed: int) -> Examples:
    """Draws training rows that are not among those seen; the same ones for the same seed.

    Args:
        rows: All training rows.
        seen: The texts on which the quantization measured something.
        seed: Of the draw.

    Example:
        >>> rows = Examples.of_texts(["a", "b", "c"], None, "three rows")
        >>> sorted(hold_out(rows, ["b"], seed=0).texts)
        ['a', 'c']
    """
    used = set(seen)
    left = [index for index, text in enumerate(rows.texts) if text not in used]
    drawn = random.Random(seed).sample(left, min(MOST_ROWS, len(left)))
    return rows.take(drawn)
