"""All families, one line each, and what a recipe asks of them."""

from collections.abc import Mapping
from typing import Any

from tinybert.base.errors import InputError
from tinybert.families.albert import ALBERT
from tinybert.families.bert import BERT, ROBERTA
from tinybert.families.distilbert import DISTILBERT
from tinybert.families.electra import ELECTRA
from tinybert.families.family import Capability, Family, Sizes
from tinybert.families.gpt2 import GPT2
from tinybert.families.modernbert import MODERNBERT
from tinybert.families.mpnet import MPNET

_ALL = (
    BERT,
    ROBERTA,
    DISTILBERT,
    ELECTRA,
    ALBERT,
    MPNET,
    MODERNBERT,
    GPT2,
)

FAMILIES: dict[str, Family] = {
    model_type: family for family in _ALL for model_type in family.model_types
}
"""Families by the model type that config.json names."""


def find_family(model_type: object) -> Family | None:
    """The family of a model type; None where it is of no family that is known here."""
    return FAMILIES.get(model_type) if isinstance(model_type, str) else None


def family_of(model_type: object) -> Family:
    """The family of a model type.

    Args:
        model_type: As config.json names it.

    Raises:
        InputError: It is of no family that is known here.

    Example:
        >>> family_of("camembert").layers
        'encoder.layer'
    """
    family = find_family(model_type)
    if family is None:
        raise InputError(
            f"models of the type {model_type} are not supported here; "
            f"supported model types: {', '.join(FAMILIES)}"
        )
    return family


def width_of(config: Mapping[str, Any]) -> int | None:
    """The width of the hidden states of a config.json's model; None where it does not say.

    Example:
        >>> width_of({"model_type": "gpt2", "n_embd": 32}), width_of({"hidden_size": 8})
        (32, 8)
    """
    family = find_family(config.get("model_type"))
    width = config.get(family.sizes.hidden_size if family else Sizes.hidden_size)
    return width if type(width) is int else None


def require(family: Family, *capabilities: Capability) -> None:
    """Refuses what a family can't do.

    Args:
        family: Of the model.
        capabilities: What is wanted.

    Raises:
        InputError: One of it is not possible; the message says why.

    Example:
        >>> require(family_of("bert"), "prune")
        >>> require(family_of("albert"), "prune")
        Traceback (most recent call last):
        tinybert.base.errors.InputError: not possible with an albert model: its layers share \
their weights, so that what goes from one goes from all
    """
    for capability in capabilities:
        if reason := family.refuses.get(capability):
            name = family.model_types[0]
            article = "an" if name[0] in "aeiou" else "a"
            raise InputError(f"not possible with {article} {name} model: {reason}")
