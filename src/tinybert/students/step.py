"""Building the student."""

import copy
import random
from collections.abc import Sequence
from typing import Any

import transformers
from transformers import PreTrainedModel

from tinybert.context import Context
from tinybert.errors import InputError
from tinybert.layers import map_layers
from tinybert.observe import first_tokens, make_batches
from tinybert.shapes import SHAPE_KEY
from tinybert.students.config import SHAPE, StudentConfig
from tinybert.students.from_teacher import initialize_from_teacher
from tinybert.torch_model import load_torch
from tinybert.vocabulary import keep_pieces


def student(config: StudentConfig, model: PreTrainedModel, context: Context) -> PreTrainedModel:
    """A smaller model of the teacher's family; `model`, the teacher, stays as it is."""
    small = build_student(config, model)
    if config.init == "teacher":
        mapping = map_layers(model.config.num_hidden_layers, config.layers, config.mapping)
        texts = random.Random(context.seed).sample(
            context.train.texts, min(config.calibration_rows, len(context.train))
        )
        texts = first_tokens(
            texts, context.tokenizer, context.max_length, config.calibration_tokens
        )
        batches = make_batches(texts, context.tokenizer, context.max_length, model.device)
        initialize_from_teacher(small, model, mapping, batches)
    elif config.init != "random":
        load_encoder(small, config.init, context.kept_pieces)
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
    if hasattr(shape, SHAPE_KEY):  # of a teacher that was pruned
        delattr(shape, SHAPE_KEY)
    for ours, theirs in SHAPE.items():
        setattr(shape, theirs, getattr(config, ours))
    model_class: Any = getattr(transformers, type(teacher).__name__, type(teacher))
    return model_class(shape).eval()


def load_encoder(
    small: PreTrainedModel, checkpoint: str, kept_pieces: Sequence[int] | None = None
) -> None:
    """Writes a checkpoint's encoder into a student; its head stays.

    Args:
        small: The student.
        checkpoint: A folder or a hub id.
        kept_pieces: Where the student's vocabulary was trimmed, the ids of its pieces in the
            checkpoint's.

    Raises:
        InputError: There is no such checkpoint, it is broken, or it has another shape.
    """
    source = load_torch(checkpoint).module
    if kept_pieces is not None:
        keep_pieces(source, kept_pieces)
    weights = source.base_model.state_dict()
    try:
        loaded = small.base_model.load_state_dict(weights, strict=False)
    except RuntimeError as error:  # shapes differ
        reason = " ".join(str(error).split())
        raise InputError(f"student.init: {checkpoint} does not fit the student: {reason}") from None
    # A model trained without a head, as for masked words, has no pooler.
    differing = [
        name
        for name in (*loaded.missing_keys, *loaded.unexpected_keys)
        if not name.startswith("pooler.")
    ]
    if differing:
        raise InputError(
            f"student.init: {checkpoint} does not fit the student: {differing[0]} is in one alone"
        )
