"""GPTQ (arXiv:2210.17323): weights are rounded one input after another, and those that are still
to come make up for the error, as far as they can on what really flows through the layer."""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tinybert.modeling.observe import Batch, input_statistics
from tinybert.steps.quantize.fake import fake_integers, linear_layers
from tinybert.steps.quantize.note import QuantizationNote

DAMPING = 0.01
"""Added to the covariance's diagonal, as a share of its mean (the paper, section 3.3)."""


@torch.no_grad()
def round_by_gptq(model: PreTrainedModel, note: QuantizationNote, batches: Sequence[Batch]) -> None:
    """Gives the linear layers weights that quantize to themselves, and biases that keep means.

    Args:
        model: Changed in place.
        note: Bits and groups.
        batches: Tokenized rows, which show what flows through the layers.
    """
    layers = linear_layers(model)
    wanted = {name: layer for name, layer in layers.items() if note.bits_of(name) is not None}
    for name, mean, covariance in input_statistics(model, batches, wanted):
        layer, bits = layers[name], note.bits_of(name)
        assert bits is not None, "it is not among the wanted else"
        if layer.bias is None:  # nothing takes up what rounding adds to the mean
            covariance = covariance + mean.outer(mean)
        before = layer.weight.cpu()
        after = gptq(before, covariance, note.largest(bits), note.group_size)
        if layer.bias is not None:
            layer.bias.add_(((before - after).double() @ mean).to(layer.bias))
        layer.weight.copy_(after)


def gptq(
    weights: Tensor, covariance: Tensor, largest: float, group_size: int | None = None
) -> Tensor:
    """Weights on the grid of `fake_integers`, whose products differ less than the nearest ones'.

    The largest weight of each group is its grid's end and stays as it is, so that the same grid
    is found again when the weights are stored. Zeros stay too: a pruned weight is to remain so.

    Args:
        weights: (out, in).
        covariance: (in, in), of the inputs.
        largest: The integer that the largest weight becomes.
        group_size: Weights that share a scale; None: an output's.

    Example:
        >>> weights = torch.tensor([[7.0, 0.4, 2.4]])
        >>> always_alike = torch.tensor([[1.0, 0, 0], [0, 1, 0.99], [0, 0.99, 1]])
        >>> gptq(weights, always_alike.double(), largest=7)
        tensor([[7., 0., 3.]])
    """
    _, scales = fake_integers(weights, largest, group_size)
    scales = scales.expand_as(weights).double()
    left = weights.to(torch.float64, copy=True)
    fixed = ((left / scales).abs() > largest * (1 - 1e-6)) | (weights == 0)
    # Inputs that never vary, as a pooler's are of one row, have a covariance of 0.
    damping = (DAMPING * covariance.diagonal().mean()).clamp_min(1e-12)
    damped = covariance + damping * torch.eye(len(covariance))
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(damped))
    factor = torch.linalg.cholesky(inverse, upper=True)
    for place in range(weights.shape[1]):
        column, scale = left[:, place], scales[:, place]
        rounded = (column / scale).round().clamp(-largest, largest) * scale
        rounded = torch.where(fixed[:, place], column, rounded)
        error = (column - rounded) / factor[place, place]
        moved = error[:, None] * factor[place, place + 1 :]
        left[:, place] = rounded
        left[:, place + 1 :] -= moved.masked_fill(fixed[:, place + 1 :], 0)
    return left.to(weights.dtype)
