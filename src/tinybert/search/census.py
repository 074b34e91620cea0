"""What weights a model of some shape has, counted without making it."""

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.search.sketch import sketch
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.quantize.integers import NARROWEST


@dataclass(frozen=True)
class Count:
    """Weights by what becomes of them in a file.

    Attributes:
        matrices: Weights of linear layers that are worth quantizing.
        channels: Their outputs, each of which has a scale.
        tables: Values of embedding tables, likewise.
        rows: Of these tables.
        rest: What stays float: biases, norms, heads.
    """

    matrices: float = 0
    channels: float = 0
    tables: float = 0
    rows: float = 0
    rest: float = 0

    def plus(self, other: "Count", times: float = 1) -> "Count":
        """The sum with a multiple of another count."""
        pairs = ((name, getattr(self, name) + times * getattr(other, name)) for name in vars(self))
        return Count(**dict(pairs))

    def bytes(self, quantize: QuantizeConfig | None) -> float:
        """In a file, without what describes its graph."""
        if quantize is None:
            return 4 * (self.matrices + self.tables + self.rest)
        bits, group = quantize.bits, quantize.group_size
        scales = self.matrices / group if group else self.channels
        row_scales = self.tables / group if group and bits < 8 else self.rows
        tables = self.tables * max(bits, 4) / 8 + 4 * row_scales  # no table has fewer than 4
        if not quantize.embeddings:
            tables = 4 * self.tables
        return self.matrices * bits / 8 + 4 * scales + tables + 4 * self.rest


@dataclass
class Census:
    """Counts of students of a teacher.

    For a width and a number of heads, all counts are products of layers and neurons, so four small
    models on PyTorch's meta device tell all of them. Heads that are pruned are counted as whole.

    Args:
        teacher: The model; its weights are not looked at.
    """

    teacher: PreTrainedModel
    _known: dict[tuple[int, int, int | None], "_Bases"] = field(default_factory=dict, repr=False)

    def count(self, shape: ExpectedShape) -> Count:
        """The weights of a model of that shape."""
        key = shape.hidden_size, shape.head_size, shape.positions
        if key not in self._known:
            self._known[key] = self._bases(shape)
        bases = self._known[key]
        more = shape.layers - 1
        neurons = sum(shape.neuron_counts) / shape.layers - _FEW
        found = bases.one.plus(bases.layer, more).plus(bases.neuron, neurons)
        found = found.plus(bases.both, more * neurons)
        if shape.vocabulary is not None:
            missing = bases.pieces - shape.vocabulary
            found = found.plus(Count(tables=bases.width, rows=1), -missing)
        if shape.embedding_rank is None:
            return found
        rows, rank = shape.vocabulary or bases.pieces, shape.embedding_rank
        narrower = Count(tables=rows * (rank - bases.width))
        up = Count(matrices=rank * bases.width, channels=bases.width)
        return found.plus(narrower).plus(up)

    def _bases(self, shape: ExpectedShape) -> "_Bases":
        counts: dict[tuple[int, int], Count] = {}
        table = torch.empty(0, 0)
        for layers in (1, 2):
            for neurons in (_FEW, 2 * _FEW):
                made = replace(
                    shape,
                    layers=layers,
                    head_counts=(1,) * layers,
                    neuron_counts=(neurons,) * layers,
                    selects=None,
                    embedding_rank=None,
                )
                with torch.device("meta"):
                    model: Any = sketch(made, self.teacher)
                counts[layers, neurons] = counted(model)
                table = model.get_input_embeddings().weight
        one = counts[1, _FEW]
        neuron = _divided(counts[1, 2 * _FEW].plus(one, -1))
        return _Bases(
            one=one,
            layer=counts[2, _FEW].plus(one, -1),
            neuron=neuron,
            both=_divided(counts[2, 2 * _FEW].plus(counts[2, _FEW], -1)).plus(neuron, -1),
            pieces=table.shape[0],
            width=table.shape[1],
        )


@dataclass(frozen=True)
class _Bases:
    """What the counts of a width are made of.

    Attributes:
        one: Of a model of one layer and few neurons.
        layer: What another layer adds.
        neuron: What another neuron adds in the first layer.
        both: In each other layer.
        pieces: Rows of the table of word pieces.
        width: Values of each.
    """

    one: Count
    layer: Count
    neuron: Count
    both: Count
    pieces: int
    width: int


_FEW = 2 * NARROWEST
"""Neurons of the models that are counted: enough for their matrices to be quantized."""


def _divided(count: Count) -> Count:
    return Count().plus(count, 1 / _FEW)


def counted(model: PreTrainedModel) -> Count:
    """The weights of a model by what becomes of them.

    Example:
        >>> from transformers import BertConfig, BertModel
        >>> model = BertModel(BertConfig(vocab_size=40, hidden_size=32, num_attention_heads=2,
        ...     num_hidden_layers=1, intermediate_size=64, max_position_embeddings=16))
        >>> counted(model).tables
        1792.0
    """
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    found, seen = Count(), set()
    for weight in model.parameters():
        if id(weight) in seen:
            continue
        seen.add(id(weight))
        wide = weight.dim() == 2 and min(weight.shape) >= NARROWEST
        if not wide:
            found = found.plus(Count(rest=weight.numel()))
        elif id(weight) in tables:
            found = found.plus(Count(tables=float(weight.numel()), rows=weight.shape[0]))
        else:
            found = found.plus(Count(matrices=weight.numel(), channels=weight.shape[0]))
    return found
