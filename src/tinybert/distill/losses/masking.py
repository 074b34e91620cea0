"""Averages over real tokens only: padding must neither be learned nor dilute what is."""

from torch import Tensor


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of `values` where `mask` is 1.

    Args:
        values: (batch, length), one figure a token.
        mask: (batch, length), 1 for a real token and 0 for padding.

    Returns:
        A scalar, unchanged by more padding.

    Example:
        >>> import torch
        >>> masked_mean(torch.tensor([[1.0, 3.0, 100.0]]), torch.tensor([[1, 1, 0]]))
        tensor(2.)
    """
    mask = mask.to(values)
    return (values * mask).sum() / mask.sum()
