"""Attention distillation: KL divergence of attention probabilities, as the articles describe it."""

import torch
from torch import Tensor

from tinybert.distill.losses.masking import masked_mean
from tinybert.distill.losses.precision import at_least_float32
from tinybert.layers import group_heads

SMALLEST = 1e-6
"""Smaller probabilities count as it, or one key that is never looked at gives an infinite loss."""


def attention_loss(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """KL(teacher ‖ student) of where each query looks, averaged over heads and real queries.

    With fewer heads in the student, each learns the mean of its group of neighbouring teacher
    heads, which is again a distribution.

    Args:
        student: (batch, heads, query, key), probabilities.
        teacher: (batch, teacher heads, query, key), probabilities.
        mask: (batch, length), the attention mask.

    Returns:
        A scalar; 0 when student equals teacher on every real query.

    Example:
        >>> maps = torch.rand(2, 4, 3, 3).softmax(-1)
        >>> attention_loss(maps, maps, torch.ones(2, 3)).item()
        0.0
    """
    wanted = merge_heads(at_least_float32(teacher), student.shape[1]).clamp_min(SMALLEST)
    given = at_least_float32(student).clamp_min(SMALLEST)
    # Keys that are padding have probability 0 in both and cancel.
    divergence = (wanted * (wanted.log() - given.log())).sum(-1)
    return masked_mean(divergence.mean(1), mask)


def merge_heads(probabilities: Tensor, heads: int) -> Tensor:
    """Averages neighbouring heads until there are `heads` of them.

    Args:
        probabilities: (batch, teacher heads, query, key).
        heads: Of the student.

    Returns:
        (batch, heads, query, key).
    """
    groups = group_heads(probabilities.shape[1], heads)
    if len(groups) == probabilities.shape[1]:
        return probabilities
    return torch.stack([probabilities[:, group].mean(1) for group in groups], dim=1)
