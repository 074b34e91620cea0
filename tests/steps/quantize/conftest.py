import pytest
import torch

from tinybert.modeling.load import load_model
from tinybert.modeling.observe import make_batches


@pytest.fixture
def model(tiny_bert_dir, tiny_context):
    return load_model(tiny_bert_dir, tiny_context().task)


@pytest.fixture
def batches(tiny_context):
    """Several, of rows of the tiny context."""
    context = tiny_context()
    return make_batches(context.train.texts, context.tokenizer, 32, torch.device("cpu"), 16)
