"""Prediction distillation: soft labels (Hinton et al., arXiv:1503.02531; TinyBERT, equation 10)."""

from torch import Tensor
from torch.nn import functional

from tinybert.distillation.losses.masking import masked_mean
from tinybert.distillation.losses.precision import at_least_float32


def soft_label_loss(
    student: Tensor, teacher: Tensor, temperature: float = 1.0, mask: Tensor | None = None
) -> Tensor:
    """KL(teacher ‖ student) of softened predictions, times T².

    It differs from the soft cross-entropy by the teacher's entropy, a constant: the gradients are
    the same and the loss is 0 at its best. T² keeps their size whatever the temperature.

    Args:
        student: (batch, classes), or (batch, length, classes) for predictions of tokens; logits.
        teacher: Of the same shape; logits.
        temperature: What both are divided by; TinyBERT's best is 1 (section 4.2).
        mask: (batch, length), the attention mask, where predictions are of tokens.

    Returns:
        A scalar, the mean over rows, or over real tokens.

    Example:
        >>> import torch
        >>> soft_label_loss(torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 2.0]])).item()
        0.0
    """
    divergence = functional.kl_div(
        (at_least_float32(student) / temperature).log_softmax(-1),
        (at_least_float32(teacher) / temperature).log_softmax(-1),
        log_target=True,
        reduction="none",
    ).sum(-1)
    return _mean(divergence, mask) * temperature**2


def sigmoid_loss(
    student: Tensor, teacher: Tensor, temperature: float = 1.0, mask: Tensor | None = None
) -> Tensor:
    """KL(teacher ‖ student) of each label's softened probability, times T².

    What `soft_label_loss` is to one label of several, this is to any number of them: each label is
    there or not, whatever the others are. It differs from the binary cross-entropy with the
    teacher's probabilities by their entropy, a constant, and is 0 at its best.

    Args:
        student: (batch, labels), or (batch, length, labels) for predictions of tokens; logits.
        teacher: Of the same shape; logits.
        temperature: What both are divided by.
        mask: (batch, length), the attention mask, where predictions are of tokens.

    Returns:
        A scalar, the mean over labels, as Transformers' loss of the data's own labels is, and over
        rows, or over real tokens.

    Example:
        >>> import torch
        >>> sigmoid_loss(torch.tensor([[1.0, -2.0]]), torch.tensor([[1.0, -2.0]])).item()
        0.0
    """
    given, wanted = (at_least_float32(logits) / temperature for logits in (student, teacher))
    return _mean(sigmoid_divergence(given, wanted).mean(-1), mask) * temperature**2


def sigmoid_divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """KL(teacher ‖ student) of whether each label is there.

    Args:
        student: Logits of any shape.
        teacher: Of the same shape; logits.

    Example:
        >>> import torch
        >>> sigmoid_divergence(torch.tensor([2.0, 0.0]), torch.tensor([2.0, 40.0]))
        tensor([0.0000, 0.6931])
    """
    log_there, log_absent = functional.logsigmoid(teacher), functional.logsigmoid(-teacher)
    there = log_there.exp() * (log_there - functional.logsigmoid(student))
    return there + log_absent.exp() * (log_absent - functional.logsigmoid(-student))


def logit_loss(student: Tensor, teacher: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean squared error of logits (Ba and Caruana, arXiv:1312.6184).

    For a regression, whose only logit is the value, it is what soft labels are to classes.

    Args:
        student: (batch, outputs), or (batch, length, outputs) for predictions of tokens.
        teacher: Of the same shape.
        mask: (batch, length), the attention mask, where predictions are of tokens.

    Returns:
        A scalar, the mean over rows, or over real tokens.

    Example:
        >>> import torch
        >>> logit_loss(torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 4.0]])).item()
        2.0
    """
    errors = (at_least_float32(student) - at_least_float32(teacher)).square().mean(-1)
    return _mean(errors, mask)


def _mean(values: Tensor, mask: Tensor | None) -> Tensor:
    return values.mean() if mask is None else masked_mean(values, mask)
