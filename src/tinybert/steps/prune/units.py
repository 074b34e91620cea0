"""What structured pruning can take out of a layer: heads, neurons, the layer itself."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel

from tinybert.base.errors import InputError
from tinybert.families import require
from tinybert.modeling.blocks import (
    Linear,
    blocks,
    home_of,
    keep_inputs,
    keep_layers,
    keep_outputs,
    states_of,
    with_states,
)
from tinybert.modeling.low_rank import LowRankLinear
from tinybert.modeling.parts import family_in
from tinybert.modeling.selection import selection_of
from tinybert.steps.prune.expected import layers_left

Through = Callable[[Tensor], Tensor]
"""From what units give, (batch, length, units, width), to what the rest of the model gets."""


class Units(ABC):
    """The units of one layer.

    Attributes:
        count: How many.
    """

    count: int

    @property
    @abstractmethod
    def home(self) -> nn.Module:
        """The module that a mask of them is kept in while the model trains."""

    @abstractmethod
    def attach(self, through: Through) -> RemovableHandle:
        """Sends what the units give through a function, in every forward pass."""

    @abstractmethod
    def outgoing(self) -> Tensor:
        """(units,): how strongly the model reads what each gives."""

    @abstractmethod
    def magnitude(self) -> Tensor:
        """(units,): the strength of all weights of each."""


@dataclass(frozen=True)
class LinearUnits(Units):
    """Heads or neurons: rows of some linear layers, and the columns of another that reads them.

    Attributes:
        sources: With (units · width) outputs each; slices of a layer are all among them.
        sink: With (units · width) inputs.
        count: Units.
    """

    sources: tuple[Linear, ...]
    sink: nn.Linear
    count: int

    @property
    def home(self) -> nn.Module:
        """See `Units.home`."""
        return self.sink

    def attach(self, through: Through) -> RemovableHandle:
        """See `Units.attach`."""

        def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
            return through(inputs[0].unflatten(-1, (self.count, -1))).flatten(-2)

        return self.sink.register_forward_pre_hook(hook)

    def outgoing(self) -> Tensor:
        """Norm of the columns that read a unit."""
        columns = self.sink.weight.detach().float().T
        return columns.reshape(self.count, -1).norm(dim=1)

    def magnitude(self) -> Tensor:
        """Norm of the weights that make a unit, times that of those that read it."""
        rows = [source.weight.detach().float() for source in self.sources]
        squares = [weight.reshape(self.count, -1).square().sum(1) for weight in rows]
        return torch.stack(squares).sum(0).sqrt() * self.outgoing()

    @torch.no_grad()
    def shrink(self, kept: Tensor) -> None:
        """Cuts all units out that are not in `kept`, (units,) of True for what stays."""
        width = self.sink.in_features // self.count
        places = kept.to(self.sink.weight.device).repeat_interleave(width).nonzero().squeeze(1)
        keep_outputs(self.sources, places)
        keep_inputs(self.sink, places)


@dataclass(frozen=True)
class LayerUnit(Units):
    """A whole layer: what it adds to its input.

    Attributes:
        layer: The layer.
        parts: Its heads and its neurons.
    """

    layer: nn.Module
    parts: tuple[LinearUnits, ...]
    count: int = 1

    @property
    def home(self) -> nn.Module:
        """See `Units.home`."""
        return self.layer

    def attach(self, through: Through) -> RemovableHandle:
        """See `Units.attach`."""

        def hook(_: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> Any:
            added = states_of(output) - inputs[0]
            return with_states(output, inputs[0] + through(added[..., None, :]).squeeze(-2))

        return self.layer.register_forward_hook(hook)

    def outgoing(self) -> Tensor:
        """What it gives is the next layer's input as it is."""
        return torch.ones(1)

    def magnitude(self) -> Tensor:
        """The sum of its heads' and neurons'."""
        return torch.stack([part.magnitude().sum() for part in self.parts]).sum()[None]


def head_units(model: PreTrainedModel) -> list[LinearUnits]:
    """The attention heads of each layer.

    Raises:
        InputError: A layer is of low rank, or the model's family can't lose heads.
    """
    require(family_in(model), "prune", "prune-heads")
    return [
        _linear_units(block.projections, block.linear("attention_output"), block.heads)
        for block in blocks(model)
    ]


def neuron_units(model: PreTrainedModel) -> list[LinearUnits]:
    """The neurons of each layer's feed-forward block.

    Raises:
        InputError: A layer is of low rank, or the model's family can't lose neurons.
    """
    require(family_in(model), "prune")
    return [
        _linear_units(block.sources, block.linear("down"), block.neurons) for block in blocks(model)
    ]


def layer_units(model: PreTrainedModel) -> list[LayerUnit]:
    """The layers.

    Raises:
        InputError: A layer is of low rank, or the model's family can't lose layers.
    """
    require(family_in(model), "prune", "prune-layers")
    found = []
    for block in blocks(model):
        heads = _linear_units(block.projections, block.linear("attention_output"), block.heads)
        neurons = _linear_units(block.sources, block.linear("down"), block.neurons)
        found.append(LayerUnit(block.module, (heads, neurons)))
    return found


def drop_layers(model: PreTrainedModel, dropped: set[int]) -> None:
    """Takes layers, counted from 1, out of a model.

    Raises:
        InputError: There is no such layer, none would stay, later ones compute some tokens only, or
            the model's family can't lose it.

    Example:
        >>> from transformers import BertConfig, BertModel
        >>> model = BertModel(BertConfig(vocab_size=9, num_hidden_layers=3, hidden_size=8,
        ...     num_attention_heads=2, intermediate_size=16))
        >>> drop_layers(model, {2})
        >>> model.config.num_hidden_layers
        2
    """
    require(family_in(model), "prune", "prune-layers")
    layers = blocks(model)
    if selection_of(model):
        raise InputError("prune: layers compute some tokens only; put it before `shorten`")
    layers_left(sorted(dropped), len(layers))
    keep_layers(model, [at for at in range(len(layers)) if at + 1 not in dropped])


def _linear_units(sources: tuple[Any, ...], sink: Any, count: int) -> LinearUnits:
    if any(isinstance(home_of(part), LowRankLinear) for part in (*sources, sink)):
        raise InputError("prune: the model has low-rank layers; put `prune` before `factorize`")
    return LinearUnits(sources, sink, count)
