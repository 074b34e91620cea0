"""Shapes that stock Transformers has no settings for: uneven, low-rank or selecting layers.

A config.json gives all layers one number of heads and one of neurons. What pruning,
factorisation and `shorten` leave is noted under `tinybert_shape` beside it, and read back when the
model is loaded:

    {"attention_heads": [12, 9, 6, 4], "intermediate_sizes": [1200, 700, 512, 300],
     "ranks": {"encoder.layer.0.output.dense": 64, "embeddings.word_embeddings": 64},
     "selection": {"layer": 1, "positions": 32}}

Each head stays as wide as `hidden_size / num_attention_heads` says.
"""

from typing import Any

from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

from tinybert.families import find_family
from tinybert.modeling.blocks import blocks
from tinybert.modeling.low_rank import LowRankEmbedding, LowRankLinear
from tinybert.modeling.parts import replace_module
from tinybert.modeling.selection import select_in, selection_of
from tinybert.modeling.transposed import close_layers

SHAPE_KEY = "tinybert_shape"


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
    if family is None:
        return
    shape: dict[str, Any] = {}
    if not family.shared:  # else what goes from one layer goes from all
        neurons = neuron_counts(model)
        if len(set(neurons)) == 1:
            setattr(config, family.sizes.intermediate_size, neurons[0])
        else:
            shape["intermediate_sizes"] = neurons
        heads = head_counts(model)
        if set(heads) != {config.num_attention_heads}:
            shape["attention_heads"] = heads
    parts = model.base_model.named_modules()
    low_rank = LowRankLinear, LowRankEmbedding
    ranks = {name: part.rank for name, part in parts if isinstance(part, low_rank)}
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
        close_layers(self)  # the files' weights come now

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
        replace_module(base, name, low_rank(base.get_submodule(name), rank))
    if selection := shape.get("selection"):
        select_in(model, selection["layer"], selection["positions"])


def low_rank(old: Any, rank: int) -> nn.Module:
    """What takes the place of a linear layer or an embedding table, weights at random."""
    if isinstance(old, nn.Embedding):
        rows, width = old.weight.shape
        return LowRankEmbedding(rows, rank, width, old.padding_idx).to(old.weight)
    low = LowRankLinear(old.in_features, rank, old.out_features, bias=old.bias is not None)
    return low.to(old.weight)
