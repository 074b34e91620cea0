"""Fine-tuning: the task's labels, soft ones, or pairs of rows; all weights."""

from dataclasses import replace

from torch.utils.data import DataLoader
from transformers import PreTrainedModel

from tinybert.distillation.losses import sigmoid_loss, soft_label_loss
from tinybert.distillation.predictions import prediction_kind
from tinybert.steps.finetune.config import FinetuneConfig
from tinybert.steps.finetune.contrastive import ContrastiveTrainer, contrastive_loss
from tinybert.steps.finetune.fit_head import fit_head
from tinybert.steps.finetune.own_loss import Loss, OwnLossTrainer
from tinybert.tasks.task import Task
from tinybert.training.batches import EncodedExamples
from tinybert.training.class_weights import label_loss
from tinybert.training.context import Context, encoded
from tinybert.training.new_head import start_at_frequencies
from tinybert.training.row_choice import choose_rows
from tinybert.training.trainer import BucketedTrainer, train_to_end, trainer_options


def finetune(config: FinetuneConfig, model: PreTrainedModel, context: Context) -> PreTrainedModel:
    """Trains `model` in place on `context.train` with the loss of its own head.

    Rows with soft labels are learned by the same loss as a teacher's answers; with the method
    `contrastive` pairs of rows are, and the head is fitted afterwards.
    """
    contrastive = config.method == "contrastive"
    rows, soft = context.train, context.train.soft_labels
    if soft is not None and not contrastive:
        rows = replace(rows, labels=context.task.soft_logits(soft))
    dataset = encoded(context, rows)
    learned, held_out = choose_rows(config, dataset, context.train, context.seed)
    options = trainer_options(
        config,
        learned,
        context.tokenizer,
        context.folder,
        seed=context.seed,
        step="finetune",
        progress=context.progress,
        stopping=config.early_stopping,
        held_out=held_out,
    )
    start_at_frequencies(model, context.task, context.train)
    trainer: BucketedTrainer
    if contrastive:
        trainer = ContrastiveTrainer(model=model, loss=contrastive_loss, **options)
    elif (loss := _own_loss(config, model, context.task, dataset, soft=soft is not None)) is None:
        trainer = BucketedTrainer(model=model, **options)
    else:
        trainer = OwnLossTrainer(model=model, loss=loss, **options)
    train_to_end(trainer, gradient_checkpointing=config.gradient_checkpointing)
    if contrastive:
        fit_head(model, DataLoader(dataset, config.batch_size, collate_fn=options["data_collator"]))
    return model.eval()


def _own_loss(
    config: FinetuneConfig,
    model: PreTrainedModel,
    task: Task,
    dataset: EncodedExamples,
    *,
    soft: bool,
) -> Loss | None:
    """The loss of logits and what they should be; None for that of the model's own head."""
    if soft:
        kind = prediction_kind(model.config)
        return sigmoid_loss if kind == "sigmoids" else soft_label_loss
    return label_loss(config, task, dataset)
