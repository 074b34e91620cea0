"""What a family says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Capability = Literal[
    "student",
    "prune",
    "prune-heads",
    "prune-layers",
    "zeros",
    "factorize",
    "shorten",
    "attention",
    "relations",
    "masked-lm",
    "static",
    "qat",
    "gptq",
]
"""What a recipe may ask of a family beyond running and training it.

`student` is a student that starts from its teacher's weights; `prune` heads, neurons and layers;
`zeros` are single weights that are pruned;
`attention` and `relations` are the losses of a distillation; `static`, `qat` and `gptq` ways to
quantize.
"""


@dataclass(frozen=True)
class Piece:
    """One of several equal parts of a linear layer's outputs, as of queries, keys and values.

    Attributes:
        name: Of the module, in dots.
        index: Which part, from 0.
        count: Of how many.
        split: The attribute of a layer, in dots, that says how many outputs each part has, and by
            which they are split; "" where their number itself does.
    """

    name: str
    index: int
    count: int
    split: str = ""


Part = str | Piece
"""A linear layer's dotted name, or a piece of one."""


def module_of(part: Part) -> str:
    """The dotted name of the module that a part is, or is a piece of."""
    return part.name if isinstance(part, Piece) else part


Role = Literal["query", "key", "value", "attention_output", "up", "gate", "down"]
"""What a linear layer does in a transformer layer."""

LayerPart = Literal["attention", "ffn"]
"""The two halves of a transformer layer."""

MatrixPart = LayerPart | Literal["embeddings"]
"""What has large matrices: the halves of layers, and the table of words."""

ROLES: dict[LayerPart, tuple[Role, ...]] = {
    "ffn": ("up", "gate", "down"),
    "attention": ("query", "key", "value", "attention_output"),
}
"""The linear layers of each half."""


@dataclass(frozen=True)
class Sizes:
    """How config.json names the sizes that a recipe gives a student.

    Attributes:
        layers: Number of transformer layers.
        hidden_size: Width of hidden states.
        attention_heads: Heads of a layer.
        intermediate_size: Neurons of a feed-forward block.
        positions: Rows of the table of positions, or the most tokens of a text.
        neurons_per_width: Neurons for each dimension of the hidden states where config.json
            gives no `intermediate_size`.
    """

    layers: str = "num_hidden_layers"
    hidden_size: str = "hidden_size"
    attention_heads: str = "num_attention_heads"
    intermediate_size: str = "intermediate_size"
    positions: str = "max_position_embeddings"
    neurons_per_width: int | None = None

    def read(self, config: Mapping[str, Any]) -> dict[str, int]:
        """The sizes in a config.json, as a recipe names them.

        Raises:
            KeyError: One is missing.

        Example:
            >>> Sizes(layers="n_layers").read({"n_layers": 2, "hidden_size": 8,
            ...     "num_attention_heads": 2, "intermediate_size": 16})["layers"]
            2
        """
        ours = ("layers", "hidden_size", "attention_heads")
        sizes = {name: config[getattr(self, name)] for name in ours}
        neurons = config.get(self.intermediate_size)
        if neurons is None and self.neurons_per_width is not None:
            neurons = self.neurons_per_width * sizes["hidden_size"]
        if neurons is None:
            raise KeyError(self.intermediate_size)
        return {**sizes, "intermediate_size": neurons}

    @property
    def names(self) -> dict[str, str]:
        """What a recipe calls the sizes of a student, and what config.json does."""
        ours = ("layers", "hidden_size", "attention_heads", "intermediate_size")
        return {name: getattr(self, name) for name in ours}


@dataclass(frozen=True)
class Head:
    """The layers between the last hidden states and the logits.

    Attributes:
        out: The last linear layer.
        dense: The one before it, if there is one. The activation function that follows it is
            found by what `out` is given.
        norm: A norm between the two.
    """

    out: str
    dense: str | None = None
    norm: str | None = None


OWN_HEADS = {"ForSentenceEmbedding": Head(out="projection")}
"""Heads that Transformers does not have, by the ends of their classes' names: all families have
the same."""


@dataclass(frozen=True)
class Narrowing:
    """The parts of a layer that is computed for fewer queries than it has keys.

    Attributes:
        attention: Has queries, keys and values, their dropout and their scaling.
        attention_end: From what heads give, and the layer's input, to attention's end.
        feed_forward: The rest of the layer.
    """

    attention: str
    attention_end: str
    feed_forward: str


Reads = Literal["first", "last", "all"]
"""Which positions of the last hidden states a sequence classifier's head reads: the first, the
last that is no padding, or any."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """Where an architecture keeps its parts, in dotted names.

    Names of `layers`, `encoder`, embeddings and norms outside of layers begin at the base model,
    which Transformers calls `base_model`; those of a layer's parts at the layer; those of heads at
    the model itself.

    Attributes:
        model_types: As config.json has them.
        layers: The list of layers.
        encoder: The module whose forward pass runs the layers one after the other and does
            nothing else; "" where there is none.
        attention: The module of a layer that attends; its first argument is hidden states, and
            `attention_mask` another.
        query: What gives queries; `key` and `value` likewise.
        attention_output: What the heads' outputs are multiplied by.
        attention_norm: The norm behind attention; with `norms_first` that before it.
        up: The first linear layer of the feed-forward block.
        gate: What the activated outputs of `up` are multiplied by, if anything.
        activation: The function between `up` and `down`.
        down: The last linear layer of the feed-forward block.
        norm: The norm behind the feed-forward block; with `norms_first` that before it.
        words: The table of words; `positions` and `types` likewise, where there are such.
        embedding_norm: The norm of the embeddings, if there is one.
        embedding_end: What gives the embeddings to the first layer, where it is neither a norm nor
            a projection.
        embedding_projection: The linear layer from the embeddings to the hidden states, where
            the model has one.
        embedding_size: How config.json calls the width of embeddings that have one of their own.
        final_norm: The norm behind the last layer; "" if there is none.
        position_bias: A function of hidden states that gives what is added to attention scores,
            (batch, heads, query, key), of the table `position_bias_table`, (buckets, heads).
        sizes: How config.json names sizes.
        per_layer: Keys of config.json that have one entry a layer.
        shared: Whether layers share their weights.
        norms_first: Whether a norm comes before attention and feed-forward, not after them.
        causal: Whether a token sees only those before it.
        rotary: Whether queries and keys are turned by their position.
        window: The key of config.json that says how far tokens of some layers see; "" if all
            see everything.
        scaled_by_place: The key of config.json that may ask for attention to be scaled by the
            number of its layer; "" if there is none.
        first_layer_differs: Whether the first layer lacks a norm that the others have, so that
            it can't be dropped.
        positions_after_padding: Whether positions are counted from the padding's id + 1.
        reads: Which positions a sequence classifier's head reads.
        pooling: The key of config.json that may ask for the mean of all positions instead;
            "" if there is none.
        heads: What is behind the encoder, by the end of the class's name.
        masked_lm: The modules of a masked-LM head, one after the other.
        narrowing: What the last layer is made of where it can be computed for the first position
            alone; None where it can't.
        integer_attention: Whether queries, keys and values go into their products as the linear
            layers give them, so that these products can be made of integers.
        refuses: What can't be done, and why.
    """

    model_types: tuple[str, ...]
    layers: str
    encoder: str = ""
    attention: str
    query: Part
    key: Part
    value: Part
    attention_output: str
    attention_norm: str
    up: Part
    gate: Part | None = None
    activation: str
    down: str
    norm: str
    words: str
    positions: str | None = None
    types: str | None = None
    embedding_norm: str | None
    embedding_end: str = ""
    embedding_projection: str = ""
    embedding_size: str = ""
    final_norm: str = ""
    position_bias: str = ""
    position_bias_table: str = ""
    sizes: Sizes = Sizes()
    per_layer: tuple[str, ...] = ()
    shared: bool = False
    norms_first: bool = False
    causal: bool = False
    rotary: bool = False
    window: str = ""
    scaled_by_place: str = ""
    first_layer_differs: bool = False
    positions_after_padding: bool = False
    reads: Reads = "first"
    pooling: str = ""
    heads: Mapping[str, Head] = field(default_factory=dict)
    masked_lm: tuple[str, ...] = ()
    narrowing: Narrowing | None = None
    integer_attention: bool = False
    refuses: Mapping[Capability, str] = field(default_factory=dict)

    def part_of(self, name: str) -> MatrixPart:
        """Whether a matrix is of attention, of the feed-forward block, or the table of words.

        Args:
            name: In the base model, in dots.

        Example:
            >>> from tinybert.families import family_of
            >>> family_of("distilbert").part_of("transformer.layer.0.attention.q_lin")
            'attention'
        """
        if name == self.words:
            return "embeddings"
        attention = {module_of(getattr(self, role)) for role in ROLES["attention"]}
        within = name.removeprefix(f"{self.layers}.").partition(".")[2]
        return "attention" if within in attention else "ffn"
