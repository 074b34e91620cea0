"""A student's shape as a model."""

import copy
from typing import Any

from transformers import PreTrainedModel

from tinybert.base.errors import InputError
from tinybert.families import find_family
from tinybert.families.family import Sizes
from tinybert.modeling.heads import find_class
from tinybert.modeling.mapping import map_layers
from tinybert.modeling.shape import SHAPE_KEY
from tinybert.modeling.transposed import open_layers
from tinybert.runtime.config import first_position
from tinybert.steps.student.config import StudentConfig


def build_student(config: StudentConfig, teacher: PreTrainedModel) -> PreTrainedModel:
    """A model of the teacher's class and vocabulary in the student's shape, weights random.

    What layers are beside their sizes, as local or global, is that of the teacher's layers that
    they are mapped to. Embeddings that are as wide as the teacher's hidden states become as wide
    as the student's; narrower ones stay as wide as they are.

    Raises:
        InputError: Heads of this width can't be turned by positions, as the family does.

    Example:
        >>> from transformers import BertConfig, BertForSequenceClassification
        >>> teacher = BertForSequenceClassification(BertConfig(vocab_size=9, num_hidden_layers=2,
        ...     hidden_size=8, num_attention_heads=2, intermediate_size=16))
        >>> shape = StudentConfig(layers=1, hidden_size=4, attention_heads=2, intermediate_size=8)
        >>> build_student(shape, teacher).config.hidden_size
        4
    """
    shape = copy.deepcopy(teacher.config)
    if hasattr(shape, SHAPE_KEY):  # of a teacher that was pruned
        delattr(shape, SHAPE_KEY)
    family = find_family(shape.model_type)
    sizes = Sizes() if family is None else family.sizes
    if family is not None:
        if family.rotary and config.hidden_size // config.attention_heads % 2:
            raise InputError(
                f"student.attention_heads: heads {config.hidden_size // config.attention_heads} "
                f"wide can't be turned by their positions, as {shape.model_type} models do; "
                "give them an even width"
            )
        if family.embedding_size and getattr(shape, family.embedding_size) == shape.hidden_size:
            setattr(shape, family.embedding_size, config.hidden_size)
        for key in family.per_layer:
            setattr(shape, key, _of_layers(config, getattr(teacher.config, key)))
    if config.positions is not None:
        rows = config.positions + first_position(shape.to_dict())
        setattr(shape, sizes.positions, rows)
    for ours, theirs in sizes.names.items():
        setattr(shape, theirs, getattr(config, ours))
    model_class: Any = find_class(type(teacher).__name__) or type(teacher)
    student: PreTrainedModel = model_class(shape).eval()
    open_layers(student)
    return student


def _of_layers(config: StudentConfig, values: list[Any]) -> list[Any]:
    """What the teacher's config.json says of each layer, for the student's layers."""
    if config.layers > len(values):  # of no one layer each: in the same turns
        return [values[at % len(values)] for at in range(config.layers)]
    mapping = map_layers(len(values), config.layers, config.mapping)
    return [values[number - 1] for number in mapping]
