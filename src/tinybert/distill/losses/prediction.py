"""Prediction distillation: soft labels (Hinton et al., arXiv:1503.02531; TinyBERT, equation 10)."""

from torch import Tensor
from torch.nn import functional

from tinybert.distill.losses.precision import at_least_float32


def soft_label_loss(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(teacher ‖ student) of softened predictions, times T².

    It differs from the soft cross-entropy by the teacher's entropy, a constant: the gradients are
    the same and the loss is 0 at its best. T² keeps their size whatever the temperature.

    Args:
        student: (batch, classes), logits.
        teacher: (batch, classes), logits.
        temperature: What both are divided by; TinyBERT's best is 1 (section 4.2).

    Returns:
        A scalar, the mean over rows.

    Example:
        >>> import torch
        >>> soft_label_loss(torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 2.0]])).item()
        0.0
    """
    divergence = functional.kl_div(
        (at_least_float32(student) / temperature).log_softmax(-1),
        (at_least_float32(teacher) / temperature).log_softmax(-1),
        log_target=True,
        reduction="batchmean",
    )
    return divergence * temperature**2


def value_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared error of predicted values, what soft labels are to a regression.

    Args:
        student: (batch, 1).
        teacher: (batch, 1).
    """
    return functional.mse_loss(at_least_float32(student), at_least_float32(teacher))
