"""Fake quantization: a PyTorch model that computes what its int8 file will compute.

Linear layers multiply integers, held as floats, exactly as the file does; gradients pass the
rounding as if it were not there, and are zero where an activation is cut off (straight-through,
arXiv:1308.3432). Modules change their class and nothing else, so that weights, names and hooks
stay.
"""

from collections.abc import Callable, Container, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinybert.modeling.torch_model import load_torch
from tinybert.modeling.transposed import open_layers
from tinybert.steps.quantize.activations import ActivationRange, Range
from tinybert.steps.quantize.integers import NARROWEST, TIE, TWO_BITS, groups
from tinybert.steps.quantize.note import QuantizationNote
from tinybert.steps.quantize.straight_through import round_through

_RANGES = "activation_ranges"


def fake_integers(
    weights: Tensor, largest: float, group_size: int | None = None
) -> tuple[Tensor, Tensor]:
    """Rounds weights as `quantize_weights` does, straight-through.

    Args:
        weights: (..., in); what is in one slice of the last axis, or in one group of it, shares
            a scale.
        largest: The integer that the largest value becomes; or `TWO_BITS`.
        group_size: Of a group; None: the whole slice.

    Returns:
        The integers, or halves of odd ones, of the same shape, and their scales, of the same shape
        or (..., 1).

    Example:
        >>> integers, scales = fake_integers(torch.tensor([[1.0, 8.0], [2.0, 4.0]]), 127)
        >>> integers.tolist()
        [[16.0, 127.0], [64.0, 127.0]]
    """
    sizes = weights.detach().abs()
    if largest == TWO_BITS:
        return _two_bits(weights, sizes, group_size)
    scales = _of_groups(sizes, torch.amax, group_size) / largest
    scales = scales.masked_fill(scales == 0, 1)
    return round_through(weights / scales), scales


def _two_bits(weights: Tensor, sizes: Tensor, group_size: int | None) -> tuple[Tensor, Tensor]:
    """Halves of odd integers, and the scales that suit them best by least squares."""
    sums = partial(_of_groups, reduce=torch.sum, group_size=group_size)
    limits = TIE * (sums(sizes.square()) / sums(torch.ones_like(sizes))).sqrt()
    levels = torch.where(sizes > limits, TWO_BITS, 0.5)
    scales = sums(sizes * levels) / sums(levels.square())
    # Also of what is cut off, which could never come back else.
    passed = weights / scales.masked_fill(scales == 0, 1)
    return passed + (levels.copysign(weights) - passed).detach(), scales


def _of_groups(
    values: Tensor, reduce: Callable[[Tensor, int], Tensor], group_size: int | None
) -> Tensor:
    """What each group of the last axis is reduced to, at each of its places; (..., 1) of all."""
    if group_size is None:
        return reduce(values, -1).unsqueeze(-1)
    width = values.shape[-1]
    padded = nn.functional.pad(values, (0, -width % group_size))
    places = torch.from_numpy(groups(width, group_size)).to(values.device)
    return reduce(padded.unflatten(-1, (-1, group_size)), -1)[..., places]


class _FakeQuantized(nn.Module):
    """What fake-quantized modules keep beside what they were."""

    largest: float
    group_size: int | None
    plain: type[nn.Module]


class FakeQuantLinear(nn.Linear, _FakeQuantized):
    """A linear layer with integer weights and, where it has a range, uint8 activations."""

    def forward(self, states: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        integers, scales = fake_integers(self.weight.float(), self.largest, self.group_size)
        activation: ActivationRange | None = self.__dict__["activation"]
        if activation is None:
            return nn.functional.linear(states, integers * scales, self.bias)
        values, step = activation(states)
        # bfloat16 is exact for these integers, and would not be for what they stand for.
        result = nn.functional.linear(values, integers) * (step * scales[..., 0])
        return result if self.bias is None else result + self.bias


class FakeQuantEmbedding(nn.Embedding, _FakeQuantized):
    """A table whose rows are integers; only those that are looked up are rounded."""

    def forward(self, ids: Tensor) -> Tensor:
        """(...) to (..., width)."""
        integers, scales = fake_integers(super().forward(ids), self.largest, self.group_size)
        return integers * scales


def linear_layers(model: nn.Module) -> dict[str, nn.Linear]:
    """The linear layers that are quantized, by name."""
    open_layers(model)
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and min(module.weight.shape) >= NARROWEST
    }


def fake_quantize(
    model: PreTrainedModel,
    note: QuantizationNote,
    *,
    learned: bool = False,
    layers: Container[str] | None = None,
) -> list[ActivationRange]:
    """Lets a model compute as its quantized file will, until `remove_fake_quantization`.

    Args:
        model: Changed in place; its weights stay what they are.
        note: What is quantized, and how. Of layers without a range activations stay float.
        learned: Whether ranges are parameters, to be trained with the weights.
        layers: Names of the linear layers to quantize; None: all that the note does not keep.

    Returns:
        The ranges, one for all layers that share an input.
    """
    # Ranges that are equal to the bit are those of the same input: of query, key and value.
    ranges = {
        range_: ActivationRange(*range_, learned=learned).to(model.device)
        for range_ in dict.fromkeys(note.ranges.values())
    }
    for name, layer in linear_layers(model).items():
        bits = note.bits_of(name)
        if bits is not None and (layers is None or name in layers):
            _change(layer, FakeQuantLinear, note.largest(bits), note.group_size)
            # Shared ones must not be in the state dict several times.
            known = name in note.ranges
            layer.__dict__["activation"] = ranges[note.ranges[name]] if known else None
    for table in model.modules() if note.embeddings else ():
        if isinstance(table, nn.Embedding) and min(table.weight.shape) >= NARROWEST:
            group_size = note.group_size if note.table_bits == 4 else None
            _change(table, FakeQuantEmbedding, note.largest(note.table_bits), group_size)
    model.add_module(_RANGES, nn.ModuleList(ranges.values()))
    return list(ranges.values())


def remove_fake_quantization(model: PreTrainedModel) -> PreTrainedModel:
    """Gives every module its class back."""
    for module in _changed(model):
        module.__class__ = module.plain
        for name in ("largest", "group_size", "plain", "activation"):
            module.__dict__.pop(name, None)
    delattr(model, _RANGES)
    return model


@torch.no_grad()
def round_weights(model: PreTrainedModel) -> None:
    """Gives a fake-quantized model the weights that it computes with."""
    for module in _changed(model):
        integers, scales = fake_integers(module.weight, module.largest, module.group_size)
        module.weight.copy_(integers * scales)


def trained_ranges(model: PreTrainedModel) -> dict[str, Range]:
    """The ranges that a fake-quantized model has now, by the names of its linear layers."""
    activations = {
        name: layer.__dict__.get("activation") for name, layer in linear_layers(model).items()
    }
    return {name: found.ends() for name, found in activations.items() if found is not None}


def load_fake_quantized(folder: Path) -> PreTrainedModel:
    """The fake-quantized model of a folder, whose config.json has what `quantize` noted.

    Args:
        folder: A Hugging Face directory, such as OUT/student after `quantize: {method: qat}`.

    Raises:
        InputError: There is no such model, or it was not prepared for quantization.

    Example:
        >>> model = load_fake_quantized(Path("out/student"))  # doctest: +SKIP
    """
    loaded = load_torch(folder)
    fake_quantize(loaded.module, QuantizationNote.read(loaded.config, folder / "config.json"))
    return loaded.module


def _change(
    module: nn.Module, kind: type[_FakeQuantized], largest: float, group_size: int | None
) -> None:
    module.__dict__ |= {"largest": largest, "group_size": group_size, "plain": type(module)}
    module.__class__ = kind


def _changed(model: nn.Module) -> Iterator[Any]:
    return (module for module in model.modules() if isinstance(module, _FakeQuantized))
