"""The KL divergence of distributions over keys, which several losses share."""

import math

import torch
from torch import Tensor

from tinybert.distillation.losses.masking import hide_padded_keys, masked_mean
from tinybert.distillation.losses.precision import at_least_float32


def key_divergence(student: Tensor, log_teacher: Tensor, mask: Tensor) -> Tensor:
    """KL(teacher ‖ student) of where each query looks, averaged over heads and real queries.

    Args:
        student: (batch, heads, query, key), scores before the softmax.
        log_teacher: (batch, heads, query, key), the logarithms of probabilities.
        mask: (batch, length), the attention mask.
    """
    given = hide_padded_keys(at_least_float32(student), mask).log_softmax(-1)
    wanted = at_least_float32(log_teacher)
    difference = wanted.exp() * (wanted - given)
    # 0 · (-inf + inf) is no number, and a padded key has probability 0 in both.
    padded = mask[:, None, None, :] == 0
    return masked_mean(difference.masked_fill(padded, 0.0).sum(-1).mean(1), mask)


def log_probabilities(scores: Tensor, mask: Tensor) -> Tensor:
    """The logarithms of the softmax over real keys, (batch, heads, query, key)."""
    return hide_padded_keys(at_least_float32(scores), mask).log_softmax(-1)


def mean_of_groups(log_probabilities: Tensor, groups: list[list[int]]) -> Tensor:
    """The logarithm of the mean distribution of each group of heads.

    Args:
        log_probabilities: (batch, teacher heads, query, key).
        groups: The teacher heads of each student head.

    Returns:
        (batch, groups, query, key).
    """
    if len(groups) == log_probabilities.shape[1]:
        return log_probabilities
    means = [log_probabilities[:, group].logsumexp(1) - math.log(len(group)) for group in groups]
    return torch.stack(means, dim=1)
