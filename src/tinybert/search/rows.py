"""Training rows that no candidate learns from: on them candidates are compared."""

import random

from tinybert.base.errors import InputError
from tinybert.tasks.task import Examples

SHARE = 0.1
MOST, FEWEST = 2000, 200
"""Rows to compare candidates on: enough to tell them apart, and seconds to run."""

LEAST = 20
"""Below that nothing is told apart."""


def part(rows: Examples, seed: int) -> tuple[Examples, Examples]:
    """Parts training rows into those that candidates learn from and those they are compared on.

    Rows of the same text stay together. The evaluation rows are not touched: a candidate that was
    chosen by them would look better than it is.

    Args:
        rows: All training rows.
        seed: Of the draw.

    Raises:
        InputError: There are too few.

    Example:
        >>> rows = Examples.of_texts([f"film {n}" for n in range(1000)], None, "rows.csv")
        >>> [len(each) for each in part(rows, seed=0)]
        [800, 200]
    """
    texts = sorted({*rows.texts}, key=repr)
    count = min(max(round(SHARE * len(texts)), FEWEST), MOST, len(texts) // 4)
    if count < LEAST:
        raise InputError(
            f"{rows.source}: {len(texts)} different texts are too few to compare candidates on; a "
            f"search needs {4 * LEAST} or more: write a recipe without a budget, or more rows"
        )
    dice = random.Random(seed)
    taken = {*dice.sample(texts, count)}
    learned, compared, seen = [], [], set()
    for place, text in enumerate(rows.texts):
        if text not in taken:
            learned.append(place)
        elif text not in seen:
            seen.add(text)
            compared.append(place)
    dice.shuffle(learned)  # the first of them are a sample of all
    return rows.take(learned), rows.take(compared)
