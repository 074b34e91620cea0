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
    scale = _scale(query.shape[1] // merged, width, merged)
    # A constant added to all scores of a query changes no softmax, so keys may be centred.
    root_query, root_key = _root(query), _root(key - key.mean(0))
    left, singular, right = torch.linalg.svd(root_query @ root_key.T)
    strength = (singular * scale).sqrt()
    to_query = torch.linalg.solve(root_query, left * strength)
    to_key = torch.linalg.solve(root_key, right.T * strength)
    to_value, output = _reduce_values(value, output_weight)
    return HeadReduction(
        query=_fit_width(to_query, width).float(),
        key=_fit_width(to_key, width).float(),
        value=_fit_width(to_value, width).float(),
        output=_fit_width(output, width).T.float(),
    )


def reduce_rotary_heads(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    output_weight: Tensor,
    width: int,
    *,
    merged: int,
) -> HeadReduction:
    """Reduces heads, as `reduce_heads`, whose queries and keys are turned by their positions.

    Two dimensions, half a head apart, are turned together by an angle that depends on their place
    in the head; no other basis turns so. So the student's pairs are the teacher's of the nearest
    angle, from the head of the group where they weigh most.

    Args:
        query: (tokens, dims), the group's queries side by side, not yet turned.
        key: (tokens, dims), likewise.
        value: (tokens, dims), likewise.
        output_weight: (dims, hidden), what the group's outputs are multiplied by.
        width: Of the student's head.
        merged: How many teacher heads the group has.
    """
    size = query.shape[1] // merged
    pairs, wanted = size // 2, width // 2
    # The mean size of a pair's part of the scores, by head and pair.
    power = query.double().square().mean(0) * key.double().square().mean(0)
    weight = power.view(merged, 2, pairs).sum(1).sqrt()
    strength = _scale(size, width, merged) ** 0.5
    maps = query.new_zeros(query.shape[1], width)
    for pair in range(wanted):
        source = min(pairs - 1, round(pair * pairs / wanted))
        head = int(weight[:, source].argmax())
        if weight[head, source] < 0:  # all heads' pairs of this angle are in use
            break
        weight[head, source] = -1
        for half in (0, 1):
            maps[head * size + half * pairs + source, half * wanted + pair] = strength
    free = ~maps.any(0)
    # Zeros would never learn: a zero query and a zero key give each other no gradient.
    maps[:, free] = 1e-2 * strength * torch.randn(len(maps), int(free.sum())).to(maps)
    to_value, output = _reduce_values(value, output_weight)
    return HeadReduction(
        query=maps,
        key=maps,
        value=_fit_width(to_value, width).float(),
        output=_fit_width(output, width).T.float(),
    )


def _scale(size: int, width: int, merged: int) -> float:
    """What scores are multiplied by.

    Both models divide scores by the root of a head's width. Scores of the merged head are the
    mean of the group's: their sum would be as sharp as a product of all their attention maps.
    """
    return (width / size) ** 0.5 / merged


def _reduce_values(value: Tensor, output_weight: Tensor) -> tuple[Tensor, Tensor]:
    """Maps of the values, and from the hidden space, to a head's directions, the best first."""
    root = _root(value)
    output = root @ output_weight.to(root)
    basis = torch.linalg.svd(output).U
    to_value = torch.linalg.solve(root, basis)
    return to_value, output.T @ basis


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
