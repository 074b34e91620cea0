"""The best product of two small matrices for the inputs that a weight really gets.

A plain singular value decomposition treats all inputs as equally likely. Hidden states are far
from that: weighted by a root R of their covariance, the decomposition of W·Rᵀ is the one whose
product loses least of the variance of W·x (as in SVD-LLM, arXiv:2403.07378, section 3.1).
"""

import torch
from torch import Tensor

_SMALLEST = 1e-6
"""The least variance of a direction, as a share of the mean one: a root has to have an inverse
also where the rows that were seen, or a LayerNorm, leave a direction out."""


def spectrum(weight: Tensor, covariance: Tensor) -> Tensor:
    """The variances of the output's independent directions, largest first.

    Args:
        weight: (outputs, inputs).
        covariance: (inputs, inputs), of the inputs.

    Returns:
        (min(outputs, inputs),), which sum up to the output's.

    Example:
        >>> spectrum(torch.diag(torch.tensor([1.0, 2.0])), torch.eye(2)).round().tolist()
        [4.0, 1.0]
    """
    root, _ = _root(covariance)
    return torch.linalg.svdvals(weight.detach().cpu().double() @ root.T).square()


def chosen_rank(values: Tensor, energy: float, multiple: int = 1) -> int:
    """The smallest rank that keeps a share of the output's variance.

    Args:
        values: As `spectrum` gives them.
        energy: The share, below 1.
        multiple: What the rank is rounded up to.

    Example:
        >>> chosen_rank(torch.tensor([5.0, 3.0, 1.0, 1.0]), 0.9), chosen_rank(torch.ones(9), 0.5, 4)
        (3, 8)
    """
    kept = torch.cumsum(values, 0) / values.sum()
    rank = int((kept < energy - 1e-9).sum()) + 1
    return -(-rank // multiple) * multiple


def factors(weight: Tensor, covariance: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """The two factors of the best product.

    Args:
        weight: (outputs, inputs).
        covariance: (inputs, inputs), of the inputs.
        rank: Of the product.

    Returns:
        (outputs, rank) and (rank, inputs), of like norms, so that both learn at one pace.
    """
    root, inverse = _root(covariance)
    left, singular, right = torch.linalg.svd(
        weight.detach().cpu().double() @ root.T, full_matrices=False
    )
    strength = singular[:rank].sqrt()
    down = strength[:, None] * right[:rank] @ inverse.T
    return (left[:, :rank] * strength).float(), down.float()


def _root(covariance: Tensor) -> tuple[Tensor, Tensor]:
    """R with RᵀR equal to the covariance and a little more, and its inverse."""
    values, vectors = torch.linalg.eigh(covariance.cpu().double())
    scale = values.clamp_min(_SMALLEST * values.mean()).sqrt()
    return scale[:, None] * vectors.T, vectors / scale
