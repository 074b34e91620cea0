"""Which layers are compared, and the training itself, whatever the texts are."""

import contextlib
from typing import Any

from torch.utils.data import Dataset
from transformers import PreTrainedModel

from tinybert.distillation.cache_writer import Collate
from tinybert.distillation.config import DistillationConfig
from tinybert.distillation.nearest import nearest_layers
from tinybert.distillation.signals import model_inputs
from tinybert.distillation.trainer import DistillationTrainer
from tinybert.modeling.distributed import agree, is_main
from tinybert.modeling.last_layer import first_position_alone
from tinybert.training.trainer import train_to_end

COMPARED_ROWS, COMPARED_BATCH = 512, 32
"""Enough for layers to be told apart; `nearest` runs both models on them."""


def run_distillation(
    trainer: DistillationTrainer, model: PreTrainedModel, config: DistillationConfig
) -> PreTrainedModel:
    """Trains to the end, going on from the last checkpoint; returns the student in eval mode."""
    trainer.fit_projections()
    whole = trainer.model.reads_last_layer()
    with contextlib.nullcontext() if whole else first_position_alone(model):
        train_to_end(trainer, gradient_checkpointing=config.gradient_checkpointing)
    return model.eval()


def mapped_layers(
    config: DistillationConfig,
    student: PreTrainedModel,
    teacher: PreTrainedModel,
    rows: Dataset[dict[str, Any]],
    collate: Collate,
) -> list[tuple[int, int]] | None:
    """The layers that `nearest` finds on rows spread over the data set.

    None for other mappings, and where no layers are compared.
    """
    if config.mapping != "nearest" or not config.compares_layers:
        return None
    count = len(rows)  # type: ignore[arg-type]  # torch's Dataset does not promise a length
    places = range(0, count, max(1, count // COMPARED_ROWS))[:COMPARED_ROWS]
    batches = (
        model_inputs(collate([rows[place] for place in places[start : start + COMPARED_BATCH]]))
        for start in range(0, len(places), COMPARED_BATCH)
    )
    # One process decides: the others' rounding might choose other layers.
    return agree(nearest_layers(student, teacher, batches) if is_main() else [])
