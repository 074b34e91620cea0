"""The layers of a model, whatever its family calls their parts; `parts` has what is not of a layer.

These two are the one place where names become modules.

`blocks(model)` are its layers. A part of a layer is asked for by its role, as "query" or "down",
and is a linear layer; where a family keeps several in one, as queries, keys and values, it is a
`Slice` of that one, which is read and written as a linear layer is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from tinybert.base.errors import InputError
from tinybert.families import Family, Part, Piece, Role
from tinybert.families.family import module_of
from tinybert.modeling.parts import attribute_of, base_of, family_in, replace_module
from tinybert.modeling.transposed import open_layers, store_transposed, stores_transposed

if TYPE_CHECKING:
    from transformers import PreTrainedModel

MASKED = -1e4
"""Added to the scores of padding: exp of it is 0 in fp32, and it does not overflow fp16."""


class Slice:
    """Some outputs of a linear layer, read and written as if they were a layer of their own.

    Args:
        home: The linear layer.
        index: Which of its equal parts, from 0.
        count: How many it has.
        splits: The module, and its attribute, that says how wide the parts are; None where nothing
            but the linear layer itself does.

    Example:
        >>> both = nn.Linear(4, 6)
        >>> second = Slice(both, 1, 2)
        >>> torch.allclose(second(torch.ones(4)), both(torch.ones(4))[3:])
        True
    """

    def __init__(
        self, home: Any, index: int, count: int, splits: tuple[nn.Module, str] | None = None
    ) -> None:
        self.home, self.index, self.count, self.splits = home, index, count, splits

    @property
    def in_features(self) -> int:
        """Width of its input."""
        return int(self.home.in_features)

    @property
    def out_features(self) -> int:
        """Its outputs."""
        return int(self.home.out_features) // self.count

    @property
    def places(self) -> slice:
        """Which outputs of its home are its own."""
        return slice(self.index * self.out_features, (self.index + 1) * self.out_features)

    @property
    def weight(self) -> Tensor:
        """(out_features, in_features), which may be written to."""
        weight: Tensor = self.home.weight
        return weight[self.places]

    @property
    def bias(self) -> Tensor | None:
        """(out_features,), which may be written to; None where there is none."""
        return None if self.home.bias is None else self.home.bias[self.places]

    def note_width(self) -> None:
        """Tells the module that splits the outputs how many each part has now."""
        if self.splits is not None:
            setattr(*self.splits, self.out_features)

    def __call__(self, states: Tensor) -> Tensor:
        """(..., in_features) to (..., out_features)."""
        return nn.functional.linear(states, self.weight, self.bias)


Linear = nn.Linear | Slice
"""What is used as a linear layer: `weight`, `bias`, `in_features`, `out_features`, a call."""


def home_of(part: nn.Module | Slice) -> nn.Module:
    """The module that a part is, or is a slice of; hooks see its outputs."""
    return part.home if isinstance(part, Slice) else part


def outputs_of(part: nn.Module | Slice, output: Tensor) -> Tensor:
    """A part's own share of what its home gave, (..., out_features)."""
    return output[..., part.places] if isinstance(part, Slice) else output


def keep_outputs(parts: Sequence[Linear], places: Tensor) -> None:
    """Cuts all other outputs out of some linear layers, each of which loses the same.

    Args:
        parts: Those that are slices of one layer must all be given.
        places: (kept,), which outputs of each part stay.
    """
    for home in dict.fromkeys(map(home_of, parts)):
        linear = cast(nn.Linear, home)
        pieces = [part for part in parts if home_of(part) is home]
        starts = [part.places.start if isinstance(part, Slice) else 0 for part in pieces]
        rows = torch.cat([start + places for start in sorted(starts)])
        linear.weight = nn.Parameter(linear.weight[rows].clone())
        if linear.bias is not None:
            linear.bias = nn.Parameter(linear.bias[rows].clone())
        linear.out_features = len(rows)
        for part in pieces:
            if isinstance(part, Slice):
                part.note_width()


def keep_inputs(linear: nn.Linear, places: Tensor) -> None:
    """Cuts all other inputs out of a linear layer."""
    linear.weight = nn.Parameter(linear.weight[:, places].clone())
    linear.in_features = len(places)


@dataclass(frozen=True)
class Block:
    """A transformer layer.

    Attributes:
        module: The layer. Several blocks have the same one where layers share their weights.
        family: What it calls its parts.
        name: Of the module, in the base model.
        head_size: Dimensions of a head.
        turn: Which run of the module in a forward pass is this layer's, from 0.
    """

    module: nn.Module
    family: Family
    name: str
    head_size: int
    turn: int = 0

    def linear(self, role: Role) -> Any:
        """The linear layer of a role: an `nn.Linear`, a low-rank one, or a `Slice`.

        Raises:
            AttributeError: The family has none, as no gate.
        """
        part = self._part(role)
        if isinstance(part, Piece):
            home = self.module.get_submodule(part.name)
            splits = None
            if part.split:
                where, _, name = part.split.rpartition(".")
                splits = self.module.get_submodule(where), name
            return Slice(home, part.index, part.count, splits)
        return self.module.get_submodule(part)

    def linears(self, roles: Iterable[Role]) -> dict[str, nn.Module]:
        """The modules of some roles by their names in the base model, each once."""
        parts = [self._part(role) for role in roles if self.has(role)]
        names = dict.fromkeys(module_of(part) for part in parts)
        return {f"{self.name}.{name}": self.module.get_submodule(name) for name in names}

    def has(self, role: Role) -> bool:
        """Whether the layer has a part of this role; not all have gates."""
        return getattr(self.family, role) is not None

    def replace(self, role: Role, module: nn.Module) -> None:
        """Puts `module` where the layer of a role is; where the role is a slice, for all of it."""
        replace_module(self.module, module_of(self._part(role)), module)

    @property
    def projections(self) -> tuple[Any, ...]:
        """Queries, keys and values."""
        return tuple(self.linear(role) for role in ("query", "key", "value"))

    @property
    def sources(self) -> tuple[Any, ...]:
        """What gives the neurons: `up`, and `gate` where there is one."""
        return tuple(self.linear(role) for role in ("up", "gate") if self.has(role))

    @property
    def attention(self) -> nn.Module:
        """The module that attends; it ends in `attention_output`, or behind it."""
        return self.module.get_submodule(self.family.attention)

    @property
    def attention_norm(self) -> Any:
        """The norm of attention; an `nn.Identity` where a first layer has none."""
        return self.module.get_submodule(self.family.attention_norm)

    @property
    def norm(self) -> Any:
        """The norm of the feed-forward block."""
        return self.module.get_submodule(self.family.norm)

    @property
    def heads(self) -> int:
        """Attention heads."""
        return self.linear("query").out_features // self.head_size

    @property
    def neurons(self) -> int:
        """Neurons of the feed-forward block."""
        return self.linear("up").out_features

    def activate(self, states: Tensor) -> Tensor:
        """The neurons of a feed-forward block's input, (..., width) to (..., neurons)."""
        activation: Any = attribute_of(self.module, self.family.activation)
        neurons = activation(self.linear("up")(states))
        return neurons * self.linear("gate")(states) if self.has("gate") else neurons

    def narrowed(self) -> tuple[Any, Any, Any]:
        """What `Narrowing` names: attention itself, its end, and the feed-forward block."""
        parts = self.family.narrowing
        assert parts is not None, "asked for only where there is one"
        names = (parts.attention, parts.attention_end, parts.feed_forward)
        attention, end, feed_forward = (attribute_of(self.module, name) for name in names)
        return attention, end, feed_forward

    def set_heads(self, count: int) -> None:
        """Gives the layer other linear layers for so many heads, with random weights."""
        width = count * self.head_size
        self._set_outputs(("query", "key", "value"), width)
        self._set_inputs("attention_output", width)

    def set_neurons(self, count: int) -> None:
        """Gives the layer other linear layers for so many neurons, with random weights."""
        self._set_outputs(("up", "gate"), count)
        self._set_inputs("down", count)

    def _part(self, role: Role) -> Part:
        part: Part | None = getattr(self.family, role)
        if part is None:
            raise AttributeError(f"layers of {self.family.model_types[0]} have no {role}")
        return part

    def _set_outputs(self, roles: Sequence[Role], width: int) -> None:
        done = set()
        for role in roles:
            if not self.has(role) or (name := module_of(self._part(role))) in done:
                continue
            done.add(name)
            part, old = self._part(role), self.module.get_submodule(name)
            count = part.count if isinstance(part, Piece) else 1
            self.replace(role, _fresh(cast(nn.Linear, old).in_features, width * count, old))
            if isinstance(fresh := self.linear(role), Slice):
                fresh.note_width()

    def _set_inputs(self, role: Role, width: int) -> None:
        old = self.linear(role)
        self.replace(role, _fresh(width, old.out_features, old))


def blocks(model: "PreTrainedModel") -> list[Block]:
    """The transformer layers of a model, in order, all of whose matrices are linear layers.

    Raises:
        InputError: The model is of no family that is known here, or has layers within layers.

    Example:
        >>> from transformers import DistilBertConfig, DistilBertModel
        >>> model = DistilBertModel(DistilBertConfig(vocab_size=9, n_layers=2, dim=8, n_heads=2,
        ...     hidden_dim=16))
        >>> [(block.name, block.heads, block.neurons) for block in blocks(model)]
        [('transformer.layer.0', 2, 16), ('transformer.layer.1', 2, 16)]
    """
    family, config = family_in(model), model.config
    size = config.hidden_size // config.num_attention_heads
    if family.shared:
        return _shared(model, family, size)
    open_layers(model)
    layers = enumerate(layer_list(model))
    return [Block(layer, family, f"{family.layers}.{at}", size) for at, layer in layers]


def _shared(model: "PreTrainedModel", family: Family, size: int) -> list[Block]:
    """Blocks of groups of layers, each of which runs several times."""
    config = model.config
    if config.inner_group_num != 1:
        raise InputError(
            f"{config.model_type} models with inner_group_num {config.inner_group_num} are not "
            "supported here; supported are those with 1"
        )
    found: list[Block] = []
    groups = layer_list(model)
    for number in range(config.num_hidden_layers):
        group = int(number / (config.num_hidden_layers / len(groups)))
        ((name, inner),) = groups[group].named_children()
        turn = sum(block.module is inner[0] for block in found)
        where = f"{family.layers}.{group}.{name}.0"
        found.append(Block(inner[0], family, where, size, turn))
    return found


def layer_list(model: "PreTrainedModel") -> Any:
    """The list that holds a model's layers, or the groups of them that share their weights."""
    return base_of(model).get_submodule(family_in(model).layers)


def keep_layers(model: "PreTrainedModel", kept: Sequence[int]) -> None:
    """Drops all other layers.

    Args:
        model: Changed in place.
        kept: Their numbers, from 0, in order.

    Raises:
        InputError: The first layer is dropped of a model whose first layer is unlike the others, or
            layers depend on their number.
    """
    family, layers = family_in(model), layer_list(model)
    if family.first_layer_differs and kept[0] != 0:
        raise InputError(
            f"the first layer of {model.config.model_type} models has no norm, and no other can "
            "take its place; keep it"
        )
    if family.scaled_by_place and getattr(model.config, family.scaled_by_place, False):
        raise InputError(
            f"its config.json says {family.scaled_by_place}: what a layer computes depends on its "
            "number, so that none can be dropped"
        )
    replace_module(base_of(model), family.layers, nn.ModuleList(layers[at] for at in kept))
    for at, layer in enumerate(layer_list(model)):
        for module in layer.modules():
            if hasattr(module, "layer_idx"):  # by which a cache of keys and values has its place
                module.layer_idx = at
    lists = {key: [getattr(model.config, key)[at] for at in kept] for key in family.per_layer}
    model.config.num_hidden_layers = len(kept)
    for key, values in lists.items():
        setattr(model.config, key, values)


def states_of(output: Any) -> Tensor:
    """The hidden states of what a layer gives: some give tuples."""
    return output[0] if isinstance(output, tuple) else output


def with_states(output: Any, states: Tensor) -> Any:
    """What a layer gives, with other hidden states."""
    return (states, *output[1:]) if isinstance(output, tuple) else states


def split_heads(values: Tensor, size: int) -> Tensor:
    """Queries, keys or values by head.

    Args:
        values: (batch, length, heads · size).
        size: Dimensions of a head.

    Returns:
        (batch, heads, length, size).

    Example:
        >>> split_heads(torch.ones(2, 5, 12), size=4).shape
        torch.Size([2, 3, 5, 4])
    """
    return values.unflatten(-1, (-1, size)).transpose(1, 2)


def _fresh(in_features: int, out_features: int, like: Any) -> nn.Linear:
    weight = like.weight
    linear = nn.Linear(
        in_features,
        out_features,
        bias=like.bias is not None,
        device=weight.device,
        dtype=weight.dtype,
    )
    return store_transposed(linear) if stores_transposed(like) else linear
