"""An order of rows in which each class is as often as any other."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray


def balanced_order(
    classes: Sequence[int] | NDArray[np.int64], generator: torch.Generator
) -> torch.Tensor:
    """Places of rows in random order, (rows,), as many of each class: all but one have the same.

    A class with more rows than its share has each once at most; of one with fewer each is there as
    often as any other, or once more.

    Args:
        classes: Of each row.
        generator: Of the draw.

    Example:
        >>> order = balanced_order([0, 0, 0, 0, 0, 1], torch.Generator().manual_seed(0))
        >>> (order == 5).sum().item(), order.unique().numel()
        (3, 4)
    """
    own = torch.as_tensor(np.asarray(classes))
    found = own.unique()
    # Who gets the rows that can't be shared is drawn too: over epochs all get as many.
    lots = torch.randperm(len(found), generator=generator)
    drawn = []
    for lot, label in zip(lots.tolist(), found, strict=True):
        places = torch.nonzero(own == label).flatten()
        wanted = len(own) // len(found) + (lot < len(own) % len(found))
        rounds = -(-wanted // len(places))
        turns = [places[torch.randperm(len(places), generator=generator)] for _ in range(rounds)]
        drawn.append(torch.cat(turns)[:wanted])
    together = torch.cat(drawn)
    return together[torch.randperm(len(together), generator=generator)]
