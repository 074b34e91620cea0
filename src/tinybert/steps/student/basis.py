"""The directions of the teacher's hidden space that a narrower student keeps."""

import torch
from torch import Tensor


def principal_basis(second_moment: Tensor, gains: Tensor, width: int) -> Tensor:
    """An orthonormal basis of the `width` directions in which hidden states vary most.

    Within the space that those directions span, any rotation loses nothing. It is used to make
    LayerNorm commute: a LayerNorm multiplies each dimension by a gain, and the basis that
    diagonalises the teacher's mean gain lets the student's elementwise gain do the same.

    Args:
        second_moment: (teacher width, teacher width), of hidden states of all layers.
        gains: (norms, teacher width), the teacher's LayerNorm gains.
        width: Directions to keep.

    Returns:
        (teacher width, width), columns orthonormal.
    """
    directions = torch.linalg.eigh(second_moment).eigenvectors[:, -width:]
    mean_gain = gains.to(directions).mean(0)
    rotation = torch.linalg.eigh(directions.T @ (mean_gain[:, None] * directions)).eigenvectors
    return directions @ rotation
