"""A model of some shape with random weights: what it costs is what a trained one costs."""

from typing import Any

from transformers import PreTrainedModel

from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.modeling.parts import replace_module
from tinybert.modeling.selection import select_in
from tinybert.modeling.shape import low_rank
from tinybert.steps.student.build import build_student
from tinybert.steps.student.config import StudentConfig


def sketch(shape: ExpectedShape, teacher: PreTrainedModel) -> PreTrainedModel:
    """A model of that shape, of the teacher's class and with its vocabulary.

    Layers that differ are made alike: each gets the mean of their heads and neurons.

    Args:
        shape: What is to be made.
        teacher: Whose family, head and vocabulary it has; it may be on PyTorch's meta device,
            and so is the model then.

    Example:
        >>> from transformers import BertConfig, BertForSequenceClassification
        >>> teacher = BertForSequenceClassification(BertConfig(vocab_size=9, num_hidden_layers=2,
        ...     hidden_size=8, num_attention_heads=2, intermediate_size=16))
        >>> shape = ExpectedShape("bert", layers=1, hidden_size=4, head_size=2,
        ...     head_counts=(2,), neuron_counts=(8,), embedding_size=4)
        >>> sketch(shape, teacher).config.intermediate_size
        8
    """
    config = StudentConfig(
        layers=shape.layers,
        hidden_size=shape.hidden_size,
        attention_heads=max(shape.hidden_size // shape.head_size, 1),
        intermediate_size=max(round(sum(shape.neuron_counts) / shape.layers), 1),
        positions=shape.positions,
        init="random",
    )
    model = build_student(config, teacher)
    if shape.embedding_rank is not None:
        base: Any = model.base_model
        table = model.get_input_embeddings()
        name = next(name for name, module in base.named_modules() if module is table)
        replace_module(base, name, low_rank(table, shape.embedding_rank))
    if shape.selects is not None and shape.selected is not None:
        select_in(model, shape.selects, shape.selected)
    return model
