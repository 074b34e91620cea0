"""Attention distillation of scores before the softmax (TinyBERT, equation 7; arXiv:1909.10351)."""

import torch
from torch import Tensor

from tinybert.distillation.losses.masking import masked_mean
from tinybert.distillation.losses.precision import at_least_float32
from tinybert.modeling.mapping import group_heads


def attention_score_loss(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error of scores, averaged over heads and a query's real keys, then over queries.

    The paper found it faster to converge than a loss on probabilities. With fewer heads in the
    student, each learns the mean scores of its group of neighbouring teacher heads.

    Args:
        student: (batch, heads, query, key), scores before the softmax and without a mask.
        teacher: (batch, teacher heads, query, key), likewise.
        mask: (batch, length), the attention mask.

    Returns:
        A scalar; 0 when student equals teacher on every real pair.

    Raises:
        InputError: The student has more heads than the teacher.

    Example:
        >>> scores = torch.rand(2, 4, 3, 3)
        >>> attention_score_loss(scores, scores, torch.ones(2, 3)).item()
        0.0
    """
    wanted = at_least_float32(teacher)
    groups = group_heads(teacher.shape[1], student.shape[1])
    if len(groups) != teacher.shape[1]:
        wanted = torch.stack([wanted[:, group].mean(1) for group in groups], dim=1)
    errors = (at_least_float32(student) - wanted).square().mean(1)
    real = mask.bool()
    of_query = torch.where(real[:, None, :], errors, 0).sum(-1) / real.sum(-1, keepdim=True)
    return masked_mean(of_query, mask)
