"""Averages over real tokens only: padding must neither be learned nor dilute what is."""

import torch
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
    # Not values * mask: what stands in padding may be anything, even infinite.
    return torch.where(mask.bool(), values, 0).sum() / mask.sum()


def hide_padded_keys(scores: Tensor, mask: Tensor) -> Tensor:
    """Attention scores with those of padded keys at the lowest value, so that a softmax drops them.

    Args:
        scores: (batch, heads, query, key).
        mask: (batch, length), 1 for a real token and 0 for padding.
    """
    return scores.masked_fill(mask[:, None, None, :] == 0, torch.finfo(scores.dtype).min)
