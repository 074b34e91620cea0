"""Distillation on the task's rows: the student learns to do as the teacher does."""

from torch import nn
from transformers import PreTrainedModel

from tinybert.context import Context
from tinybert.distill.config import DistillConfig
from tinybert.distill.trainer import DistillationTrainer
from tinybert.training.batches import EncodedExamples
from tinybert.training.trainer import train_to_end, trainer_options


def distill(config: DistillConfig, model: PreTrainedModel, context: Context) -> PreTrainedModel:
    """Trains `model` in place against `context.teacher`."""
    teacher = context.teacher
    assert teacher is not None, "the recipe refuses `distill` before `student`"
    attention = model.config._attn_implementation
    _set_dropout(model, config.dropout)
    options = trainer_options(
        config,
        EncodedExamples(context.train, context.tokenizer, context.max_length),
        context.tokenizer,
        context.folder,
        seed=context.seed,
        step="distill",
        progress=context.progress,
    )
    trainer = DistillationTrainer(model, teacher=teacher, settings=config, **options)
    trainer.fit_projections()
    train_to_end(trainer)
    model.set_attn_implementation(attention)  # the trainer may have changed it
    return model.eval()


def _set_dropout(model: PreTrainedModel, share: float) -> None:
    """Soft labels regularise by themselves, and a small student has no capacity to drop."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = share
