"""The step: a student in its shape, with its first weights."""

from collections.abc import Sequence

from transformers import PreTrainedModel

from tinybert.base.errors import InputError, said
from tinybert.modeling.embedding_rows import keep_pieces
from tinybert.modeling.mapping import map_layers
from tinybert.modeling.torch_model import load_torch
from tinybert.steps.student.build import build_student
from tinybert.steps.student.config import StudentConfig
from tinybert.steps.student.fast_shape import fast_shape
from tinybert.steps.student.from_teacher import initialize_from_teacher
from tinybert.training.calibration import calibration_batches
from tinybert.training.context import Context


def student(config: StudentConfig, model: PreTrainedModel, context: Context) -> PreTrainedModel:
    """A smaller model of the teacher's family; `model`, the teacher, stays as it is."""
    if config.shape == "fast":
        config = fast_shape(config, model, context)
    small = build_student(config, model)
    if config.init == "teacher":
        mapping = map_layers(model.config.num_hidden_layers, config.layers, config.mapping)
        batches = calibration_batches(
            context, config.calibration_rows, model.device, config.calibration_tokens
        )
        initialize_from_teacher(small, model, mapping, batches)
    elif config.init != "random":
        load_encoder(small, config.init, context.kept_pieces)
    return small


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
        raise InputError(
            f"student.init: {checkpoint} does not fit the student: {said(error)}"
        ) from None
    # A model trained without a head, as for masked words, has no pooler. What `shorten` gave one
    # is no part of its student, which begins with every token.
    differing = [
        name
        for name in (*loaded.missing_keys, *loaded.unexpected_keys)
        if not name.startswith("pooler.") and ".selection." not in name
    ]
    if differing:
        raise InputError(
            f"student.init: {checkpoint} does not fit the student: {differing[0]} is in one alone"
        )
