"""Training that diverges stops with one error that names the step and the learning rate."""

import pytest
import torch

from tinybert.base.errors import InputError
from tinybert.modeling.load import load_model
from tinybert.steps.finetune.config import FinetuneConfig
from tinybert.steps.finetune.step import finetune

SETTINGS = {"batch_size": 8, "bf16": False, "warmup": 0.0}


def run(context, folder, poison_at, **settings):
    """Fine-tunes; after so many steps the gradients are no numbers."""
    model = load_model(folder, context.task)
    done = []

    def poison(gradient):
        done.append(1)
        return gradient * float("nan") if len(done) == poison_at else gradient

    model.classifier.weight.register_hook(poison)
    return finetune(FinetuneConfig(**SETTINGS | settings), model, context)


def test_a_loss_that_is_no_number_stops_it(tiny_bert_dir, tiny_context):
    context = tiny_context()
    with pytest.raises(InputError, match=r"the loss .* at step 3 of 5, with .* of 0\.001;"):
        run(context, tiny_bert_dir, 2, checkpoint_steps=100, learning_rate=1e-3, epochs=1)


@pytest.mark.parametrize("settings", [{"checkpoint_steps": 1, "epochs": 1}, {"max_steps": 2}])
def test_a_checkpoint_and_the_result_have_finite_weights(tiny_bert_dir, tiny_context, settings):
    context = tiny_context()
    with pytest.raises(InputError, match=r"weight is no finite number at step 2 of"):
        run(context, tiny_bert_dir, 2, learning_rate=1e-3, **settings)
    assert {path.name for path in context.folder.glob("checkpoint-*")} <= {"checkpoint-1"}


def test_a_rate_that_is_too_high(tiny_bert_dir, tiny_context):
    model = load_model(tiny_bert_dir, tiny_context().task)
    with torch.no_grad():
        model.classifier.weight.mul_(1e30)
    settings = FinetuneConfig(**SETTINGS, learning_rate=1e30, epochs=1)
    with pytest.raises(InputError, match=r"diverged.* learning_rate of 1e\+30"):
        finetune(settings, model, tiny_context())
