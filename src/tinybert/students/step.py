"""Building the student."""

import copy
import random

import torch
from transformers import AutoModel, PreTrainedModel

from tinybert.context import Context
from tinybert.errors import InputError
from tinybert.hub import download
from tinybert.layers import map_layers
from tinybert.students.config import StudentConfig
from tinybert.students.from_teacher import initialize_from_teacher
from tinybert.students.observe import make_batches


def student(config: StudentConfig, model: PreTrainedModel, context: Context) -> PreTrainedModel:
    """A smaller model of the teacher's family; `model`, the teacher, stays as it is."""
    small = build_student(config, model)
    if config.init == "teacher":
        mapping = map_layers(model.config.num_hidden_layers, config.layers, config.mapping)
        texts = random.Random(context.seed).sample(
            context.train.texts, min(config.calibration_rows, len(context.train))
        )
        batches = make_batches(texts, context.tokenizer, context.max_length, model.device)
        initialize_from_teacher(small, model, mapping, batches)
    elif config.init != "random":
        load_encoder(small, config.init)
    return small


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
    shape.num_hidden_layers = config.layers
    shape.hidden_size = config.hidden_size
    shape.num_attention_heads = config.attention_heads
    shape.intermediate_size = config.intermediate_size
    return type(teacher)(shape).eval()


def load_encoder(small: PreTrainedModel, checkpoint: str) -> None:
    """Writes a checkpoint's encoder into a student; its head stays.

    Raises:
        InputError: There is no such checkpoint, or it has another shape.
    """
    from pathlib import Path

    folder = Path(checkpoint)
    try:
        source = AutoModel.from_pretrained(
            folder if folder.exists() else download(checkpoint), dtype=torch.float32
        )
        small.base_model.load_state_dict(source.state_dict(), strict=False)
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"student.init: {checkpoint} does not fit the student: {reason}") from None
