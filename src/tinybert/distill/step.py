"""Distillation on the task's rows: the student learns to do as the teacher does."""

import contextlib
from collections.abc import Sequence
from typing import Any

from torch.utils.data import Dataset
from transformers import PreTrainedModel, TrainerCallback

from tinybert.context import Context
from tinybert.distill.cache import Collate, TeacherCache, cache_root, open_cache
from tinybert.distill.config import DistillationConfig, DistillConfig
from tinybert.distill.nearest import nearest_layers
from tinybert.distill.signals import LOGITS, model_inputs
from tinybert.distill.teacher import Teacher
from tinybert.distill.terms import compares_logits
from tinybert.distill.trainer import DistillationTrainer
from tinybert.distributed import agree, is_main
from tinybert.first_position import first_position_alone
from tinybert.hub import find_folder
from tinybert.huggingface import load_model
from tinybert.progress import Progress
from tinybert.training.batches import EncodedExamples
from tinybert.training.trainer import train_to_end, trainer_options
from tinybert.vocabulary import keep_pieces

COMPARED_ROWS, COMPARED_BATCH = 512, 32
"""Enough for layers to be told apart; `nearest` runs both models on them."""


def distill(
    config: DistillConfig,
    model: PreTrainedModel,
    context: Context,
    callbacks: Sequence[TrainerCallback] = (),
) -> PreTrainedModel:
    """Trains `model` in place against `context.teacher`, with the callbacks beside."""
    assert context.teacher is not None, "the recipe refuses `distill` before `student`"
    rows = EncodedExamples(context.train, context.tokenizer, context.max_length)
    options = trainer_options(
        config,
        rows,
        context.tokenizer,
        context.folder,
        seed=context.seed,
        step="distill",
        progress=context.progress,
    )
    options["callbacks"] += callbacks
    others = [load_model(find_folder(other.model), context.task) for other in config.teachers]
    if context.kept_pieces is not None:
        others = [keep_pieces(other, context.kept_pieces) for other in others]
    teacher = Teacher(
        [context.teacher, *others],
        [1.0, *(other.weight for other in config.teachers)],
        temperature=None if compares_logits(model.config, config) else config.temperature,
    )
    trainer = DistillationTrainer(
        model,
        teacher=teacher,
        settings=config,
        layers=mapped_layers(config, model, context.teacher, rows, options["data_collator"]),
        **options,
    )
    teacher.caches = _caches(config, trainer, rows, context)
    return run_distillation(trainer, model, config)


def run_distillation(
    trainer: DistillationTrainer, model: PreTrainedModel, config: DistillationConfig
) -> PreTrainedModel:
    """Trains to the end, going on from the last checkpoint; returns the student in eval mode."""
    trainer.fit_projections()
    whole = trainer.model.reads_last_layer()
    with contextlib.nullcontext() if whole else first_position_alone(model):
        train_to_end(trainer, gradient_checkpointing=config.gradient_checkpointing)
    return model.eval()


def _caches(
    config: DistillConfig, trainer: DistillationTrainer, rows: EncodedExamples, context: Context
) -> list[TeacherCache] | None:
    wanted = trainer.model.teacher_signals(trainer.model.weights)
    if not wanted or config.cache == "off" or (config.cache == "logits" and wanted != [LOGITS]):
        return None

    def report(done: int, total: int) -> None:
        context.progress(Progress("teacher", done, total))

    return [
        open_cache(
            cache_root() / "teachers",
            teacher.to(trainer.args.device),
            rows,
            trainer.data_collator,
            wanted if index == 0 else [LOGITS],
            bf16=trainer.args.bf16,
            progress=report,
        )
        for index, teacher in enumerate(trainer.teacher.models)
    ]


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
