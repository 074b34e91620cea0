"""Distillation on the task's rows: the student learns to do as the teacher does."""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel, TrainerCallback

from tinybert.base.progress import Progress
from tinybert.distillation.cache import TeacherCache, cache_root, open_cache
from tinybert.distillation.config import DistillConfig
from tinybert.distillation.signals import LOGITS
from tinybert.distillation.teacher import Teacher
from tinybert.distillation.terms import compares_logits
from tinybert.distillation.trainer import DistillationTrainer
from tinybert.distillation.training import mapped_layers, run_distillation
from tinybert.modeling.embedding_rows import keep_pieces
from tinybert.modeling.hub import find_folder
from tinybert.modeling.load import load_model
from tinybert.training.batches import EncodedExamples
from tinybert.training.context import Context
from tinybert.training.new_head import start_at_frequencies
from tinybert.training.trainer import trainer_options


def distill(
    config: DistillConfig,
    model: PreTrainedModel,
    context: Context,
    callbacks: Sequence[TrainerCallback] = (),
) -> PreTrainedModel:
    """Trains `model` in place against `context.teacher`, with the callbacks beside."""
    assert context.teacher is not None, "the recipe refuses `distill` before `student`"
    rows = EncodedExamples(context.train, context.tokenizer, context.max_length, context.task)
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
    start_at_frequencies(model, context.task, context.train)
    others = [load_model(find_folder(other.model), context.task) for other in config.teachers]
    if context.kept_pieces is not None:
        others = [keep_pieces(other, context.kept_pieces) for other in others]
    soft = context.train.soft_labels
    teacher = Teacher(
        [context.teacher, *others],
        [1.0, *(other.weight for other in config.teachers)],
        temperature=None if compares_logits(model.config, config) else config.temperature,
        answers=None if soft is None else torch.from_numpy(context.task.soft_logits(soft)),
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


def _caches(
    config: DistillConfig, trainer: DistillationTrainer, rows: EncodedExamples, context: Context
) -> list[TeacherCache | None] | None:
    wanted = trainer.model.teacher_signals(trainer.model.weights)
    if not wanted or config.cache == "off" or (config.cache == "logits" and wanted != [LOGITS]):
        return None
    asked = [trainer.teacher.asked(index, wanted) for index in range(len(trainer.teacher.models))]

    def report(done: int, total: int) -> None:
        context.progress(Progress("teacher", done, total))

    return [
        open_cache(
            cache_root() / "teachers",
            teacher.to(trainer.args.device),
            rows,
            trainer.data_collator,
            asked[index],
            bf16=trainer.args.bf16,
            progress=report,
        )
        if asked[index]
        else None
        for index, teacher in enumerate(trainer.teacher.models)
    ]
