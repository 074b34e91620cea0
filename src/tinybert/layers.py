"""Which teacher layer each student layer learns from, and the layers of BERT-like models."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from tinybert.errors import InputError

if TYPE_CHECKING:  # recipes are checked with it, and need no PyTorch for that
    from transformers import PreTrainedModel

LayerMapping = Literal["uniform"] | list[int]
"""A rule, or the teacher layer (from 1) of each student layer, in order."""

BERT_LIKE = ("bert", "roberta", "xlm-roberta", "camembert")
"""The model types whose modules are named as BERT's."""


def map_layers(
    teacher_layers: int, student_layers: int, mapping: LayerMapping = "uniform"
) -> list[int]:
    """The teacher layer, counted from 1, for each student layer; 0 would be the embeddings.

    `uniform` is TinyBERT's g(m) = m · N / M (section 3.2), rounded, halves to the even layer.

    Raises:
        InputError: The mapping is not increasing, or names a layer that the teacher has not.

    Example:
        >>> map_layers(12, 4), map_layers(6, 4)
        ([3, 6, 9, 12], [2, 3, 4, 6])
    """
    if mapping == "uniform":
        if student_layers > teacher_layers:
            raise InputError(
                f"{student_layers} layers can't learn from a teacher of "
                f"{teacher_layers}; use at most {teacher_layers}"
            )
        step = teacher_layers / student_layers
        return [round(layer * step) for layer in range(1, student_layers + 1)]
    increasing = all(low < high for low, high in pairwise(mapping))
    inside = all(1 <= layer <= teacher_layers for layer in mapping)
    if len(mapping) != student_layers or not increasing or not inside:
        raise InputError(
            f"{mapping} must name {student_layers} layers of the teacher's "
            f"{teacher_layers}, in increasing order, counted from 1"
        )
    return mapping


def group_heads(teacher_heads: int, student_heads: int) -> list[list[int]]:
    """The neighbouring teacher heads that each student head stands for.

    Raises:
        InputError: The student has more heads than the teacher.

    Example:
        >>> group_heads(12, 4)
        [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    """
    if student_heads > teacher_heads:
        raise InputError(
            f"{student_heads} heads can't learn from a teacher's "
            f"{teacher_heads}; use at most {teacher_heads}"
        )
    bounds = [head * teacher_heads // student_heads for head in range(student_heads + 1)]
    return [list(range(low, high)) for low, high in pairwise(bounds)]


def encoder_layers(model: "PreTrainedModel") -> Sequence[Any]:
    """The transformer layers of a BERT-like model, in order.

    Raises:
        InputError: The model is of another family.
    """
    if model.config.model_type not in BERT_LIKE:
        raise InputError(
            f"a {model.config.model_type} model is not supported here; "
            f"supported model types: {', '.join(BERT_LIKE)}"
        )
    base: Any = model.base_model
    return base.encoder.layer
