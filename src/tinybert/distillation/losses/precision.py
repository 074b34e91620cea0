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


def full_precision(values: Tensor) -> torch.autocast:
    """A block whose products are not rounded to bfloat16, whatever autocast is on around it.

    Example:
        >>> x = torch.rand(2, 2)
        >>> with torch.autocast("cpu", torch.bfloat16), full_precision(x):
        ...     (x @ x).dtype
        torch.float32
    """
    return torch.autocast(values.device.type, enabled=False)
