"""The order in which the tokens of a text are replaced."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor


def turns(
    rows: int, places: int, steps: int, share: float, generator: torch.Generator
) -> Iterator[Tensor]:
    """The places to replace in each step: all in random order, and then again.

    Args:
        rows: Texts, each with an order of its own.
        places: Tokens of a text.
        steps: How many turns there are.
        share: Of the places, replaced in one turn; rounded up.
        generator: Of the CPU.

    Yields:
        (rows, count) indices of places, different ones in a row.

    Example:
        >>> first, second = turns(1, 4, 2, 0.5, torch.Generator())
        >>> sorted([*first[0].tolist(), *second[0].tolist()])
        [0, 1, 2, 3]
    """
    order = torch.rand(rows, places, generator=generator).argsort(1)
    count = math.ceil(share * places)
    for step in range(steps):
        yield order[:, torch.arange(step * count, (step + 1) * count) % places]
