from types import SimpleNamespace

import pytest
import torch

from tinybert.training import trainer
from tinybert.training.batches import EncodedExamples
from tinybert.training.config import TrainingConfig
from tinybert.training.precision import precision


@pytest.fixture
def gpu(monkeypatch):
    """Lets torch say that there is a GPU: none is used here."""

    def say(capability, *, bf16):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bf16)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)

    return say


@pytest.mark.parametrize(
    ("capability", "bf16", "settings", "found"),
    [
        ((7, 5), False, {}, "fp16"),
        ((7, 5), False, {"fp16": False}, "fp32"),
        ((7, 5), False, {"bf16": False}, "fp32"),
        ((7, 5), False, {"bf16": True}, "bf16"),
        ((7, 5), False, {"bf16": False, "fp16": True}, "fp16"),
        ((6, 1), False, {}, "fp32"),
        ((6, 1), False, {"fp16": True}, "fp16"),
        ((9, 0), True, {}, "bf16"),
        ((9, 0), True, {"fp16": False}, "bf16"),
        ((9, 0), True, {"fp16": True}, "fp16"),
        ((9, 0), True, {"bf16": False}, "fp32"),
    ],
)
def test_what_settings_come_to_on_a_gpu(gpu, capability, bf16, settings, found):
    gpu(capability, bf16=bf16)
    assert precision(TrainingConfig(**settings)) == found


def test_the_trainer_scales_losses_of_float16(gpu, monkeypatch, tiny_context):
    context = tiny_context()
    rows = EncodedExamples(context.train, context.tokenizer, 32)
    given = {}

    def note(**options):
        given.update(options)
        return SimpleNamespace(**options, n_gpu=1)

    monkeypatch.setattr(trainer, "TrainingArguments", note)
    gpu((7, 0), bf16=False)
    trainer.trainer_options(
        *(TrainingConfig(), rows, context.tokenizer, context.folder), seed=0, step="finetune"
    )
    assert (given["fp16"], given["bf16"]) == (True, False)


def test_float16_needs_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert precision(TrainingConfig(bf16=False)) == "fp32"
    with pytest.raises(ValueError, match="fp16: needs a CUDA GPU, and here is none"):
        TrainingConfig(fp16=True)


def test_a_model_computes_in_one_precision(gpu):
    gpu((9, 0), bf16=True)
    with pytest.raises(ValueError, match="fp16: bf16 is true too"):
        TrainingConfig(fp16=True, bf16=True)
