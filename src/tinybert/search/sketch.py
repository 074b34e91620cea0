"""A model of some shape with random weights: what it costs is what a trained one costs."""

from transformers import PreTrainedModel

from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.modeling.selection import select_in
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
        ...     head_counts=(2,), neuron_counts=(8,))
        >>> sketch(shape, teacher).config.intermediate_size
        8
    """
    config = StudentConfig(
        layers=shape.layers,
        hidden_size=shape.hidden_size,
        attention_heads=max(shape.hidden_size // shape.head_size, 1),
        intermediate_size=max(round(sum(shape.neuron_counts) / shape.layers), 1),
        init="random",
    )
    model = build_student(config, teacher)
    if shape.selects is not None and shape.positions is not None:
        select_in(model, shape.selects, shape.positions)
    return model
