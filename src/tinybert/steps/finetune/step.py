"""Fine-tuning: the task's labels, soft ones, or pairs of rows; all weights."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import PreTrainedModel

from tinybert.distillation.losses import sigmoid_loss, soft_label_loss
from tinybert.distillation.predictions import prediction_kind
from tinybert.steps.finetune.config import FinetuneConfig
from tinybert.steps.finetune.contrastive import ContrastiveTrainer
from tinybert.steps.finetune.fit_head import fit_head
from tinybert.training.batches import EncodedExamples
from tinybert.training.context import Context
from tinybert.training.new_head import start_at_frequencies
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
    dataset = EncodedExamples(rows, context.tokenizer, context.max_length, context.task)
    options = trainer_options(
        config,
        dataset,
        context.tokenizer,
        context.folder,
        seed=context.seed,
        step="finetune",
        progress=context.progress,
    )
    start_at_frequencies(model, context.task, context.train)
    plain = BucketedTrainer if soft is None else _SoftLabelTrainer
    trainer = (ContrastiveTrainer if contrastive else plain)(model=model, **options)
    train_to_end(trainer, gradient_checkpointing=config.gradient_checkpointing)
    if contrastive:
        fit_head(model, DataLoader(dataset, config.batch_size, collate_fn=options["data_collator"]))
    return model.eval()


class _SoftLabelTrainer(BucketedTrainer):
    """Its labels are logits, (batch, outputs), whose probabilities are learned."""

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The divergence from the soft labels, 0 where the model gives the same."""
        inputs = dict(inputs)
        wanted = torch.as_tensor(inputs.pop("labels"))
        outputs = model(**inputs)
        inner: Any = self.model
        kind = prediction_kind(inner.config)
        loss = (sigmoid_loss if kind == "sigmoids" else soft_label_loss)(outputs.logits, wanted)
        return (loss, outputs) if return_outputs else loss
