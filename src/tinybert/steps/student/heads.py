"""Fewer, narrower attention heads that compute nearly the same.

A head's scores are the products of its queries and keys, and its output is a product of values
and output weights: both are low-rank, and both stay the same under a change of basis within the
head. The best smaller basis comes from a singular value decomposition of the product over real
data. Heads that share one attention map are merged by putting their bases side by side first.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class HeadReduction:
    """Maps from the teacher's query, key and value dimensions to one student head.

    Attributes:
        query: (teacher dims of the group, student head width).
        key: The same.
        value: The same.
        output: (student head width, hidden), from the head's output to the hidden space.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    output: Tensor


def reduce_heads(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    output_weight: Tensor,
    width: int,
    *,
    merged: int,
) -> HeadReduction:
    """The best bases of `width` dimensions for a group of teacher heads that become one.

    Args:
        query: (tokens, dims), the group's queries side by side.
        key: (tokens, dims), likewise.
        value: (tokens, dims), likewise.
        output_weight: (dims, hidden), what the group's outputs are multiplied by.
        width: Of the student's head.
        merged: How many teacher heads the group has.
    """
    # Both models divide scores by the root of a head's width. Scores of the merged head are the
    # mean of the group's: their sum would be as sharp as a product of all their attention maps.
    scale = (width / (query.shape[1] / merged)) ** 0.5 / merged
    # A constant added to all scores of a query changes no softmax, so keys may be centred.
    root_query, root_key = _root(query), _root(key - key.mean(0))
    left, singular, right = torch.linalg.svd(root_query @ root_key.T)
    strength = (singular * scale).sqrt()
    to_query = torch.linalg.solve(root_query, left * strength)
    to_key = torch.linalg.solve(root_key, right.T * strength)
    root_value = _root(value)
    output = root_value @ output_weight.to(root_value)
    basis = torch.linalg.svd(output).U
    to_value = torch.linalg.solve(root_value, basis)
    return HeadReduction(
        query=_fit_width(to_query, width).float(),
        key=_fit_width(to_key, width).float(),
        value=_fit_width(to_value, width).float(),
        output=_fit_width(output.T @ basis, width).T.float(),
    )


def _root(rows: Tensor) -> Tensor:
    """R with RᵀR equal to the second moment of the rows, and invertible."""
    rows = rows.double()
    moment = rows.T @ rows / len(rows)
    jitter = 1e-6 * moment.diagonal().mean() * torch.eye(len(moment), dtype=moment.dtype)
    return torch.linalg.cholesky(moment + jitter).T


def _fit_width(matrix: Tensor, width: int) -> Tensor:
    """The first `width` columns; small random ones make up for missing ones."""
    missing = width - matrix.shape[1]
    if missing <= 0:
        return matrix[:, :width]
    # Zeros would never learn: a zero query and a zero key give each other no gradient.
    spare = 1e-2 * matrix.std() * torch.randn(len(matrix), missing, dtype=matrix.dtype)
    return torch.cat([matrix, spare], dim=1)
