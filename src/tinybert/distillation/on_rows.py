"""Distillation on the task's rows: the student learns to do as the teacher does."""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback

from tinybert.base.cache_folder import cache_root
from tinybert.base.progress import Progress
from tinybert.distillation.cache import TeacherCache, open_cache
from tinybert.distillation.config import DistillConfig
from tinybert.distillation.rules import RuleTeacher, rule_teacher
from tinybert.distillation.signals import LOGITS
from tinybert.distillation.teacher import PartTeachers, Teacher
from tinybert.distillation.terms import compares_logits
from tinybert.distillation.trainer import DistillationTrainer
from tinybert.distillation.training import mapped_layers, run_distillation
from tinybert.modeling.embedding_rows import keep_pieces
from tinybert.modeling.hub import find_folder
from tinybert.modeling.load import load_model, load_tokenizer
from tinybert.modeling.other_models import reads_alike
from tinybert.tasks.soft_labels import SoftlyLabeledTask
from tinybert.training.batches import EncodedExamples, PaddingCollator
from tinybert.training.class_weights import label_loss
from tinybert.training.context import Context, encoded
from tinybert.training.new_head import start_at_frequencies
from tinybert.training.row_choice import choose_rows
from tinybert.training.trainer import trainer_options


def distill(
    config: DistillConfig,
    model: PreTrainedModel,
    context: Context,
    callbacks: Sequence[TrainerCallback] = (),
) -> PreTrainedModel:
    """Trains `model` in place against `context.teacher`, with the callbacks beside."""
    assert context.teacher is not None, "the recipe refuses `distill` before `student`"
    rows = encoded(context, context.train)
    learned, held_out = choose_rows(config, rows, context.train, context.seed)
    options = trainer_options(
        config,
        learned,
        context.tokenizer,
        context.folder,
        seed=context.seed,
        step="distill",
        progress=context.progress,
        stopping=config.early_stopping,
        held_out=held_out,
    )
    options["callbacks"] += callbacks
    start_at_frequencies(model, context.task, context.train)
    others = [_other_teacher(other.model, context) for other in config.teachers]
    others += _part_teachers(context)
    tokenizers = [context.teacher_tokenizer, *(tokenizer for _, tokenizer in others)]
    models = [context.teacher, *(other for other, _ in others)]
    own_tokens = [tokenizer is not None for tokenizer in tokenizers]
    soft = context.train.soft_labels
    teacher = (
        PartTeachers(models, own_tokens=own_tokens)
        if context.part_teachers
        else Teacher(
            models,
            [1.0, *(other.weight for other in config.teachers)],
            temperature=None if compares_logits(model.config, config) else config.temperature,
            own_tokens=own_tokens,
            answers=None if soft is None else torch.from_numpy(context.task.soft_logits(soft)),
            rules=_rules(config, context),
        )
    )
    trainer = DistillationTrainer(
        model,
        teacher=teacher,
        settings=config,
        layers=mapped_layers(config, model, context.teacher, rows, options["data_collator"]),
        label_loss=label_loss(config, context.task, rows),
        **options,
    )
    teacher.caches = _caches(config, trainer, rows, tokenizers, context)
    return run_distillation(trainer, model, config)


def _rules(config: DistillConfig, context: Context) -> RuleTeacher | None:
    task = context.task
    if not isinstance(task, SoftlyLabeledTask):
        return None  # the recipe refuses them
    return rule_teacher(config.rules, context.train, task)


def _other_teacher(
    name: str, context: Context
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase | None]:
    """A teacher beside the run's, and its tokenizer where that makes other tokens of a text."""
    folder = find_folder(name)
    model, tokenizer = load_model(folder, context.task), load_tokenizer(folder, context.max_length)
    if not reads_alike(tokenizer, context.tokenizer, context.kept_pieces):
        return model, tokenizer
    kept = context.kept_pieces
    return (model if kept is None else keep_pieces(model, kept)), None


def _part_teachers(
    context: Context,
) -> list[tuple[PreTrainedModel, PreTrainedTokenizerBase | None]]:
    """The teacher of each of several tasks, each of which reads the rows itself."""
    if not context.part_teachers:
        return []
    return [
        (load_model(folder, part.task), load_tokenizer(folder, context.max_length))
        for part, folder in zip(context.task.parts, context.part_teachers, strict=True)
    ]


def _caches(
    config: DistillConfig,
    trainer: DistillationTrainer,
    rows: EncodedExamples,
    tokenizers: Sequence[PreTrainedTokenizerBase | None],
    context: Context,
) -> list[TeacherCache | None]:
    """What each teacher gives for every row, where that is kept.

    Those with tokenizers of their own read the rows here and nowhere else.
    """
    wanted = trainer.model.teacher_signals(trainer.model.weights)
    keeps = config.cache == "all" or (config.cache == "logits" and wanted == [LOGITS])
    keeps = keeps and context.task.keeps_answers

    def report(done: int, total: int) -> None:
        context.progress(Progress("teacher", done, total))

    def cache(index: int, teacher: Any) -> TeacherCache | None:
        asked, own = trainer.teacher.asked(index, wanted), tokenizers[index]
        if not asked or not (keeps or own):
            return None
        read, collate = rows, trainer.data_collator
        if own is not None:
            read = EncodedExamples(context.train, own, context.max_length, context.task)
            collate = PaddingCollator(own)
        return open_cache(
            cache_root() / "teachers",
            teacher.to(trainer.args.device),
            read,
            collate,
            asked,
            bf16=trainer.args.bf16,
            progress=report,
        )

    return [cache(index, teacher) for index, teacher in enumerate(trainer.teacher.models)]
