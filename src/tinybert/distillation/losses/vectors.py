"""Distillation of vectors of texts: towards the teacher's, or how alike the teacher finds texts."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from tinybert.distillation.losses.precision import at_least_float32


def vector_cosine_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """One minus the cosine of both models' vectors, a mean over texts.

    Args:
        student: (batch, width).
        teacher: Of the same shape.

    Returns:
        A scalar from 0, same directions, to 2.

    Example:
        >>> vectors = torch.randn(2, 4)
        >>> vector_cosine_loss(vectors, 2 * vectors).item() < 1e-6
        True
    """
    cosines = functional.cosine_similarity(
        at_least_float32(student), at_least_float32(teacher), dim=-1
    )
    return (1 - cosines).mean()


def similarity_loss(student: Tensor, teacher: Tensor, widths: Sequence[int] = ()) -> Tensor:
    """The squared error of the cosines of all pairs of texts of a batch.

    What texts are near each other is all that it compares (Tung and Mori, arXiv:1907.09682), so
    that a student's vectors may be shorter than its teacher's. With `widths` the first numbers of a
    vector, so many of them, must say the same by themselves, as of Matryoshka embeddings
    (Kusupati et al., arXiv:2205.13147).

    Args:
        student: (batch, width).
        teacher: (batch, teacher width).
        widths: Beside the whole width.

    Returns:
        A scalar, the mean over pairs of two texts and over widths; 0 of a single text.

    Example:
        >>> vectors = torch.randn(3, 4)
        >>> turned = vectors.flip(-1)
        >>> similarity_loss(turned, vectors).item() < 1e-6
        True
    """
    if len(student) < 2:
        return (student * 0.0).sum()
    pairs = ~torch.eye(len(student), dtype=torch.bool, device=student.device)
    wanted = _cosines(teacher)[pairs]
    parts = [student, *(student[:, :width] for width in widths)]
    return torch.stack(
        [functional.mse_loss(_cosines(each)[pairs], wanted) for each in parts]
    ).mean()


def _cosines(vectors: Tensor) -> Tensor:
    unit = functional.normalize(at_least_float32(vectors), dim=-1)
    return unit @ unit.T
