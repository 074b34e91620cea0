"""Hidden-state and embedding distillation (TinyBERT, equations 8 and 9; arXiv:1909.10351)."""

from torch import Tensor
from torch.nn import functional

from tinybert.distillation.losses.masking import masked_mean
from tinybert.distillation.losses.precision import at_least_float32


def hidden_state_loss(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error over the width, averaged over real tokens.

    The same formula serves embeddings, which are the hidden states of layer 0.

    Args:
        student: (batch, length, teacher width), already projected where the widths differ.
        teacher: (batch, length, teacher width).
        mask: (batch, length), the attention mask.

    Returns:
        A scalar; 0 when student equals teacher on every real token.

    Example:
        >>> import torch
        >>> states = torch.randn(2, 3, 4)
        >>> hidden_state_loss(states, states, torch.ones(2, 3)).item()
        0.0
    """
    difference = at_least_float32(student) - at_least_float32(teacher)
    return masked_mean(difference.square().mean(-1), mask)


def hidden_cosine_loss(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """One minus the cosine of hidden states (DistilBERT, arXiv:1910.01108), over real tokens.

    Unlike the squared error it does not see lengths, so a few dimensions of great size, which
    BERT models have, do not outweigh the others together.

    Args:
        student: (batch, length, teacher width), already projected where the widths differ.
        teacher: (batch, length, teacher width).
        mask: (batch, length), the attention mask.

    Returns:
        A scalar from 0, same directions on every real token, to 2.

    Example:
        >>> import torch
        >>> states = torch.randn(2, 3, 4)
        >>> hidden_cosine_loss(states, 2 * states, torch.ones(2, 3)).item() < 1e-6
        True
    """
    cosine = functional.cosine_similarity(at_least_float32(student), at_least_float32(teacher), -1)
    return masked_mean(1 - cosine, mask)
