"""Least squares, streamed over batches: how student weights are fitted without gradients."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from tinybert.modeling.distributed import sum_over_all


class LinearFit:
    """Fits a linear layer to inputs and wanted outputs that arrive batch by batch.

    Ridge regression that shrinks towards a prior rather than towards zero, so that directions
    which the data does not show keep the prior's weights.

    Args:
        inputs: Width of the inputs.
        outputs: Width of the outputs.
        bias: Whether the layer has one.

    Example:
        >>> x = torch.randn(100, 3); layer = nn.Linear(3, 2); fitted = nn.Linear(3, 2)
        >>> fit = LinearFit(3, 2); fit.add(x, layer(x)); fit.solve(fitted)
        >>> torch.allclose(fitted(x), layer(x), atol=1e-2)
        True
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        # float64: a Gram matrix squares the condition number of the data.
        size = inputs + bias
        self._bias = bias
        self._gram = torch.zeros(size, size, dtype=torch.float64)
        self._cross = torch.zeros(size, outputs, dtype=torch.float64)
        self._rows = 0

    def add(self, inputs: Tensor, outputs: Tensor) -> None:
        """Adds rows: inputs (rows, inputs) and the outputs wanted for them (rows, outputs)."""
        ones = inputs.new_ones(len(inputs), int(self._bias))
        design = torch.cat([inputs, ones], dim=1).detach()
        self._gram += (design.T @ design).double()
        self._cross += (design.T @ outputs.detach()).double()
        self._rows += len(inputs)

    def gather(self) -> None:
        """Adds the rows that the other processes of a run were given."""
        self._gram, self._cross = sum_over_all(self._gram), sum_over_all(self._cross)
        self._rows = int(sum_over_all(torch.tensor(self._rows)))

    def solve(self, layer: Any, ridge: float = 1e-3) -> None:
        """Sets `layer` to the solution, with the layer's own weights as the prior.

        Args:
            layer: A linear layer or a slice of one; written in place.
            ridge: Strength of the prior, relative to the mean power of the inputs.
        """
        weight, bias = layer.weight.data, layer.bias.data[None] if self._bias else None
        prior = torch.cat([weight.T, *([] if bias is None else [bias])]).cpu().double()
        inputs = weight.shape[1]
        power = self._gram.diagonal()[:inputs].mean()
        penalty = torch.eye(len(self._gram), dtype=torch.float64) * (ridge * power)
        penalty[inputs:, inputs:] = 1e-9 * self._rows  # a bias is never shrunk
        solution = torch.linalg.solve(self._gram + penalty, self._cross + penalty @ prior)
        weight.copy_(solution[:inputs].T)
        if bias is not None:
            bias.copy_(solution[inputs:])


def fit_linear(
    layer: Any, inputs: Iterable[Tensor], outputs: Iterable[Tensor], ridge: float = 1e-3
) -> None:
    """Sets a linear layer so that it turns `inputs` into nearly `outputs`, batch by batch.

    Args:
        layer: A linear layer or a slice of one; written in place.
        inputs: (rows, in) each.
        outputs: (rows, out) each, wanted for them.
        ridge: See `LinearFit.solve`.
    """
    fit = LinearFit(layer.in_features, layer.out_features, bias=layer.bias is not None)
    for given, wanted in zip(inputs, outputs, strict=True):
        fit.add(given, wanted)
    fit.solve(layer, ridge)


class GainFit:
    """Fits the gain and bias of a LayerNorm, dimension by dimension; or the gain alone.

    Args:
        width: Of the LayerNorm.
    """

    def __init__(self, width: int) -> None:
        self._sums = torch.zeros(4, width, dtype=torch.float64)
        self._rows = 0

    def add(self, normalized: Tensor, outputs: Tensor) -> None:
        """Adds rows (rows, width): normalized inputs, and the outputs wanted for them."""
        x, y = normalized.detach().double(), outputs.detach().double()
        self._sums += torch.stack([x.sum(0), y.sum(0), (x * x).sum(0), (x * y).sum(0)])
        self._rows += len(x)

    def solve(self, norm: nn.LayerNorm) -> None:
        """Sets the gain of `norm`, and the bias if it has one."""
        x, y, xx, xy = self._sums / self._rows
        if norm.bias is None:
            norm.weight.data.copy_(xy / xx.clamp_min(1e-6))
            return
        gain = (xy - x * y) / (xx - x * x).clamp_min(1e-6)
        norm.weight.data.copy_(gain)
        norm.bias.data.copy_(y - gain * x)
