import pytest
import torch

from tinybert.distillation.config import DistillConfig
from tinybert.modeling.load import load_model


@pytest.fixture
def model(tiny_bert_dir, tiny_context):
    return load_model(tiny_bert_dir, tiny_context().task)


@pytest.fixture
def batch():
    ids = torch.arange(5, 29).view(3, 8)
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    return {"input_ids": ids, "attention_mask": mask}


@pytest.fixture
def logits(batch):
    def run(model):
        with torch.inference_mode():
            return model(**batch).logits

    return run


@pytest.fixture
def context(tiny_bert_dir, tiny_context):
    """With a teacher."""

    def make(**changes):
        teacher = load_model(tiny_bert_dir, tiny_context().task)
        return tiny_context(**({"teacher": teacher} | changes))

    return make


@pytest.fixture
def healing():
    """40 rows are 5 steps an epoch."""

    def make(**changes):
        settings = {"epochs": 4, "batch_size": 8, "bf16": False, "cache": "off"}
        return DistillConfig(**(settings | changes))

    return make
