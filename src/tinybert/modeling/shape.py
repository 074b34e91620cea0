"""Shapes that stock Transformers has no settings for: uneven layers, low-rank or selecting ones.

A config.json gives all layers one number of heads and one of neurons. What pruning,
factorisation and `shorten` leave is noted under `tinybert_shape` beside it, and read back when the
model is loaded:

    {"attention_heads": [12, 9, 6, 4], "intermediate_sizes": [1200, 700, 512, 300],
     "ranks": {"encoder.layer.0.output.dense": 64},
     "selection": {"layer": 1, "positions": 32}}

Each head stays as wide as `hidden_size / num_attention_heads` says.
"""

from typing import Any

from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

from tinybert.families import find_family
from tinybert.modeling.blocks import blocks
from tinybert.modeling.parts import replace_module
from tinybert.modeling.selection import select_in, selection_of

SHAPE_KEY = "tinybert_shape"


class LowRankLinear(nn.Module):
    """A linear layer whose weight is a product of two: x → up(down(x)).

    Args:
        in_features: Width of the input.
        rank: Width between the two.
        out_features: Width of the output.
        bias: Whether it has one.

    Example:
        >>> import torch
        >>> LowRankLinear(768, 256, 3072)(torch.ones(2, 768)).shape
        torch.Size([2, 3072])
    """

    def __init__(
        self, in_features: int, rank: int, out_features: int, *, bias: bool = True
    ) -> None:
        super().__init__()
        self.in_features, self.rank, self.out_features = in_features, rank, out_features
        self.down = nn.Linear(in_features, rank, bias=False)
        self.up = nn.Linear(rank, out_features, bias=bias)

    @property
    def weight(self) -> Tensor:
        """(out_features, in_features), the product."""
        return self.up.weight @ self.down.weight

    @property
    def bias(self) -> Tensor | None:
        """(out_features,); None where there is none."""
        return self.up.bias

    def forward(self, states: Tensor) -> Tensor:
        """(..., in_features) to (..., out_features)."""
        return self.up(self.down(states))


def head_size(config: PretrainedConfig) -> int:
    """Dimensions of a head's queries, keys and values."""
    return config.hidden_size // config.num_attention_heads


def head_counts(model: PreTrainedModel) -> list[int]:
    """Attention heads of each layer.

    Example:
        >>> from transformers import BertConfig, BertModel
        >>> head_counts(BertModel(BertConfig(vocab_size=9, num_hidden_layers=2, hidden_size=8,
        ...     num_attention_heads=2, intermediate_size=16)))
        [2, 2]
    """
    return [block.heads for block in blocks(model)]


def neuron_counts(model: PreTrainedModel) -> list[int]:
    """Neurons of each layer's feed-forward block."""
    return [block.neurons for block in blocks(model)]


def note_shape(model: PreTrainedModel) -> None:
    """Writes into the model's config which layers are not as the config alone says.

    Sizes that all layers share and stock Transformers can hold go where it looks for them.
    """
    config = model.config
    family = find_family(getattr(config, "model_type", None))
    if family is None or family.shared:  # what goes from one layer goes from all
        return
    shape: dict[str, Any] = {}
    neurons = neuron_counts(model)
    if len(set(neurons)) == 1:
        setattr(config, family.sizes.intermediate_size, neurons[0])
    else:
        shape["intermediate_sizes"] = neurons
    heads = head_counts(model)
    if set(heads) != {config.num_attention_heads}:
        shape["attention_heads"] = heads
    base = model.base_model
    ranks = {n: part.rank for n, part in base.named_modules() if isinstance(part, LowRankLinear)}
    if ranks:
        shape["ranks"] = ranks
    if selection := selection_of(model):
        shape["selection"] = {"layer": selection.layer, "positions": selection.positions}
    if shape:
        setattr(config, SHAPE_KEY, shape)
    elif hasattr(config, SHAPE_KEY):
        delattr(config, SHAPE_KEY)


def shaped(model_class: Any, config: PretrainedConfig) -> Any:
    """The class whose models have the shape that `config` notes; the class itself if it has none.

    It goes by the name of the class it comes from, so that what is saved names a stock one.
    """
    if not hasattr(config, SHAPE_KEY):
        return model_class

    def initialize(self: PreTrainedModel, config: PretrainedConfig, **options: Any) -> None:
        model_class.__init__(self, config, **options)
        take_shape(self)

    names = {"__init__": initialize, "__module__": model_class.__module__}
    return type(model_class.__name__, (model_class,), names)


def take_shape(model: PreTrainedModel) -> None:
    """Gives a stock model, weights at random, the layers that its config notes.

    Raises:
        ValueError: What is noted does not fit the model.
    """
    shape = getattr(model.config, SHAPE_KEY)
    layers = blocks(model)
    unknown = shape.keys() - {"attention_heads", "intermediate_sizes", "ranks", "selection"}
    lists = [shape[key] for key in ("attention_heads", "intermediate_sizes") if key in shape]
    if unknown or any(len(sizes) != len(layers) for sizes in lists):
        raise ValueError(f"{SHAPE_KEY} {shape} does not fit {len(layers)} layers")
    for block, heads in zip(layers, shape.get("attention_heads", []), strict=False):
        block.set_heads(heads)
    for block, neurons in zip(layers, shape.get("intermediate_sizes", []), strict=False):
        block.set_neurons(neurons)
    base: Any = model.base_model
    for name, rank in shape.get("ranks", {}).items():
        old = base.get_submodule(name)
        low = LowRankLinear(old.in_features, rank, old.out_features, bias=old.bias is not None)
        replace_module(base, name, low.to(old.weight))
    if selection := shape.get("selection"):
        select_in(model, selection["layer"], selection["positions"])
