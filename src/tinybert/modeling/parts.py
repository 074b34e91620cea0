"""The parts of a model outside its layers, whatever its family calls them: embeddings and heads.

With `blocks`, the one place where names become modules.
"""

import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from tinybert.base.errors import InputError
from tinybert.families import FAMILIES, OWN_HEADS, Family, family_of, find_family
from tinybert.modeling.low_rank import LowRankEmbedding

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def family_in(model: "PreTrainedModel") -> Family:
    """The family of a model.

    Raises:
        InputError: It is of no family that is known here.
    """
    return family_of(model.config.model_type)


def encoder_of(model: "PreTrainedModel") -> Any:
    """The module that runs the layers one after the other; None where a family has none."""
    name = family_in(model).encoder
    return base_of(model).get_submodule(name) if name else None


def part_of(model: "PreTrainedModel", name: str | None) -> Any:
    """A module of the base model by its dotted name; None where the model has none."""
    found: Any = base_of(model)
    for step in name.split(".") if name else ():
        found = getattr(found, step, None)
    return found if name else None


def embedding_output(model: "PreTrainedModel") -> nn.Module:
    """The module whose output is what the first layer is given: the projection, or the norm."""
    family = family_in(model)
    names = (family.embedding_projection, family.embedding_norm, family.embedding_end)
    return next(part for name in names if (part := part_of(model, name)) is not None)


def tables_of_embeddings(model: "PreTrainedModel") -> dict[str, nn.Embedding]:
    """The embedding tables of words, positions and types that a model has."""
    family = family_in(model)
    names = {"words": family.words, "positions": family.positions, "types": family.types}
    return {key: part_of(model, name) for key, name in names.items() if name is not None}


def word_table(model: "PreTrainedModel") -> nn.Embedding:
    """The table that has a row for each piece: the narrow one where it is of low rank."""
    words: Any = model.get_input_embeddings()
    return words.table if isinstance(words, LowRankEmbedding) else words


def is_word_table(weight: Tensor, model: "PreTrainedModel") -> bool:
    """Whether a head's weight is the table of words, as that of a language model mostly is."""
    return weight is getattr(model.get_input_embeddings(), "weight", None)


def type_table(model: "PreTrainedModel") -> nn.Embedding | None:
    """The table of token types of a model of any family, also of one that is unknown here."""
    ends = {family.types.rpartition(".")[2] for family in FAMILIES.values() if family.types}
    named = model.named_modules()
    found: Any = (part for name, part in named if name.rpartition(".")[2] in ends)
    return next(found, None)


def input_names(model: "PreTrainedModel") -> set[str]:
    """What a model's forward pass can be given for a text.

    Not `token_type_ids` where its family has no table of types, though the parameter may be there:
    GPT-2 would look them up among its words.
    """
    names = set(inspect.signature(model.forward).parameters)
    family = find_family(model.config.model_type)
    return names if family is None or family.types else names - {"token_type_ids"}


def window_of(model: "PreTrainedModel") -> int | None:
    """How many tokens those of local layers see, themselves included; None where all see all."""
    family = find_family(model.config.model_type)
    key = "" if family is None else family.window
    return getattr(model.config, key) if key else None


class HeadLayers(NamedTuple):
    """The layers of a head, as `tinybert.families.family.Head` names them."""

    out: nn.Linear
    dense: nn.Linear | None
    norm: nn.LayerNorm | None


def head_layers(model: "PreTrainedModel") -> HeadLayers:
    """The layers between the last hidden states and the logits.

    Raises:
        InputError: The model has a head that its family does not name.
    """
    kind = type(model).__name__
    heads = {**OWN_HEADS, **family_in(model).heads}
    found = (head for end, head in heads.items() if kind.endswith(end))
    head = next(found, None)
    if head is None:
        raise InputError(f"the head of {kind} is not known here")

    def layer(name: str | None) -> Any:
        return None if name is None else model.get_submodule(name)

    return HeadLayers(layer(head.out), layer(head.dense), layer(head.norm))


def masked_lm_modules(model: "PreTrainedModel") -> list[nn.Module]:
    """The modules of a masked-LM head, one after the other."""
    return [model.get_submodule(name) for name in family_in(model).masked_lm]


def position_bias(model: "PreTrainedModel", length: int) -> Tensor | None:
    """What is added to attention scores by the distance of two tokens.

    Args:
        model: Of any family.
        length: Of the rows.

    Returns:
        (1, heads, query, key); None where the family adds nothing.
    """
    name = family_in(model).position_bias
    if not name:
        return None
    compute: Any = attribute_of(base_of(model), name)
    return compute(torch.empty(1, length, 1, device=model.device))


def replace_module(root: nn.Module, name: str, module: nn.Module) -> None:
    """Puts `module` where `root` has the submodule of that dotted name."""
    parent, _, leaf = name.rpartition(".")
    setattr(root.get_submodule(parent), leaf, module)


def base_of(model: "PreTrainedModel") -> nn.Module:
    """The model without its head."""
    base: Any = model.base_model
    return base


def attribute_of(root: nn.Module, name: str) -> Any:
    """What a dotted name stands for, be it a module or a function."""
    parent, _, leaf = name.rpartition(".")
    return getattr(root.get_submodule(parent), leaf)
