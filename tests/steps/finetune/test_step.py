"""Fine-tuning on soft labels: nothing to learn where they are the model's own."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tinybert.distillation.losses import soft_label_loss
from tinybert.distillation.signals import model_inputs
from tinybert.steps.finetune.config import FinetuneConfig
from tinybert.steps.finetune.own_loss import OwnLossTrainer
from tinybert.steps.finetune.step import finetune
from tinybert.training.batches import EncodedExamples, PaddingCollator
from tinybert.training.trainer import trainer_options


@torch.no_grad()
def probabilities(model, context):
    rows = EncodedExamples(context.train, context.tokenizer, 32)
    batch = PaddingCollator(context.tokenizer)([rows[place] for place in range(len(rows))])
    return model.eval()(**model_inputs(batch)).logits.softmax(-1).numpy()


def test_the_loss_is_0_where_the_model_gives_the_soft_labels(teacher, tiny_context):
    context = tiny_context()
    soft = context.task.soft_logits(probabilities(teacher, context))
    rows = EncodedExamples(replace(context.train, labels=soft), context.tokenizer, 32, context.task)
    options = trainer_options(
        *(FinetuneConfig(bf16=False), rows, context.tokenizer, context.folder),
        seed=0,
        step="finetune",
    )
    trainer = OwnLossTrainer(model=teacher, loss=soft_label_loss, **options)
    batch = next(iter(trainer.get_train_dataloader()))
    assert batch["labels"].shape == (32, 2)
    assert trainer.compute_loss(teacher, batch).item() == pytest.approx(0, abs=1e-6)


def test_it_learns_how_sure_rows_are(teacher, tiny_context):
    """All rows have the same label: of hard ones the model would learn to be sure of it."""
    context = tiny_context()
    soft = np.tile(np.array([0.7, 0.3], np.float32), (len(context.train), 1))
    train = replace(context.train, labels=0 * context.train.labels, soft_labels=soft)
    context = replace(context, train=train)
    config = FinetuneConfig(epochs=20, learning_rate=1e-3, batch_size=8, bf16=False)
    learned = probabilities(finetune(config, teacher, context), context)[:, 0]
    assert learned == pytest.approx(0.7, abs=0.1)
