"""Attention distillation: KL divergence of attention probabilities, as the articles describe it."""

from torch import Tensor

from tinybert.distillation.losses.divergence import (
    key_divergence,
    log_probabilities,
    mean_of_groups,
)
from tinybert.modeling.mapping import group_heads


def attention_loss(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """KL(teacher ‖ student) of where each query looks, averaged over heads and real queries.

    With fewer heads in the student, each learns the mean of its group of neighbouring teacher
    heads, which is again a distribution.

    Args:
        student: (batch, heads, query, key), scores before the softmax. Where a model gives
            probabilities instead, their logarithms are as good.
        teacher: (batch, teacher heads, query, key), likewise.
        mask: (batch, length), the attention mask.

    Returns:
        A scalar; 0 when student equals teacher on every real query.

    Raises:
        InputError: The student has more heads than the teacher.

    Example:
        >>> import torch
        >>> scores = torch.rand(2, 4, 3, 3)
        >>> attention_loss(scores, scores, torch.ones(2, 3)).item()
        0.0
    """
    groups = group_heads(teacher.shape[1], student.shape[1])
    wanted = mean_of_groups(log_probabilities(teacher, mask), groups)
    return key_divergence(student, wanted, mask)
