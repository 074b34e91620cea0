"""Losses in float32 at least: a bfloat16 square or logarithm would swallow small differences."""

import torch
from torch import Tensor


def at_least_float32(values: Tensor) -> Tensor:
    """The values in float32, or as they are where that would lose digits.

    Example:
        >>> at_least_float32(torch.ones(1).bfloat16()).dtype, at_least_float32(
        ...     torch.ones(1).double()).dtype
        (torch.float32, torch.float64)
    """
    return values.to(torch.promote_types(values.dtype, torch.float32))
