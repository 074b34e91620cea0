"""Self-attention relation distillation (MiniLMv2, arXiv:2012.15828)."""

from torch import Tensor

from tinybert.base.errors import InputError
from tinybert.distillation.losses.divergence import key_divergence, log_probabilities
from tinybert.distillation.losses.precision import at_least_float32, full_precision


def relation_loss(student: Tensor, teacher: Tensor, mask: Tensor, heads: int = 12) -> Tensor:
    """KL(teacher ‖ student) of how tokens relate, over relation heads and real tokens.

    Queries of all attention heads are put side by side and cut anew into relation heads; the
    softmax of each one's scaled products with itself is a relation. So student and teacher may
    have any number of attention heads and any width. The same formula serves keys and values;
    MiniLMv2 adds up the three losses.

    Args:
        student: (batch, length, width), the queries, keys or values of a layer.
        teacher: (batch, length, teacher width), likewise.
        mask: (batch, length), the attention mask.
        heads: Relation heads; both widths must be multiples of it. The paper takes 48 for
            widths of 384 and 768.

    Returns:
        A scalar; 0 when student equals teacher on every real token.

    Raises:
        InputError: A width is no multiple of `heads`.

    Example:
        >>> import torch
        >>> queries = torch.randn(2, 3, 24)
        >>> relation_loss(queries, queries, torch.ones(2, 3)).item()
        0.0
    """
    wanted = log_probabilities(_relations(teacher, heads), mask)
    return key_divergence(_relations(student, heads), wanted, mask)


def _relations(vectors: Tensor, heads: int) -> Tensor:
    """(batch, relation heads, length, length), before the softmax."""
    if vectors.shape[-1] % heads:
        raise InputError(
            f"relation_heads: an attention width of {vectors.shape[-1]} is no multiple of {heads}"
        )
    split = at_least_float32(vectors).unflatten(-1, (heads, -1)).transpose(1, 2)
    with full_precision(vectors):
        return split @ split.transpose(-1, -2) / split.shape[-1] ** 0.5
