"""A student's shape as a model."""

import copy
from typing import Any

import transformers
from transformers import PreTrainedModel

from tinybert.modeling.shape import SHAPE_KEY
from tinybert.steps.student.config import SHAPE, StudentConfig


def build_student(config: StudentConfig, teacher: PreTrainedModel) -> PreTrainedModel:
    """A model of the teacher's class and vocabulary in the student's shape, weights random.

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
    for ours, theirs in SHAPE.items():
        setattr(shape, theirs, getattr(config, ours))
    model_class: Any = getattr(transformers, type(teacher).__name__, type(teacher))
    return model_class(shape).eval()
