"""GPT-2's layers are linear layers here, and what they were before in files."""

import copy

import pytest
import torch
from torch import nn
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel
from transformers.pytorch_utils import Conv1D

from tiny_models import tiny_model, tiny_model_dir, tiny_tokenizer
from tinybert.base.errors import InputError
from tinybert.modeling.blocks import blocks, keep_layers
from tinybert.modeling.load import save_model
from tinybert.modeling.torch_model import load_torch
from tinybert.modeling.transposed import close_layers, open_layers
from tinybert.steps.prune.units import neuron_units


@pytest.fixture
def ids():
    return {"input_ids": torch.tensor([[5, 9, 7, 3], [4, 4, 8, 1]])}


@torch.no_grad()
def logits(model, ids):
    return model(**ids).logits


def kinds(model):
    return {type(part) for part in model.modules()} & {Conv1D, nn.Linear}


def test_a_loaded_model_has_linear_layers_and_saves_a_stock_one(tmp_path, ids):
    folder = tiny_model_dir("gpt2", tmp_path / "stock")
    stock = GPT2ForSequenceClassification.from_pretrained(folder).eval()
    model = load_torch(folder).module
    assert kinds(stock) == {Conv1D, nn.Linear}
    assert kinds(model) == {nn.Linear}
    torch.testing.assert_close(logits(model, ids), logits(stock, ids))
    save_model(model, tiny_tokenizer("gpt2"), tmp_path / "saved")
    again = GPT2ForSequenceClassification.from_pretrained(tmp_path / "saved").eval()
    assert torch.equal(logits(again, ids), logits(stock, ids))


def test_fewer_neurons_in_all_layers_load_in_transformers(tmp_path, ids):
    model = tiny_model("gpt2")
    for units in neuron_units(model):
        units.shrink(torch.arange(units.count) % 2 == 0)
    save_model(model, tiny_tokenizer("gpt2"), tmp_path / "saved")
    again = GPT2ForSequenceClassification.from_pretrained(tmp_path / "saved").eval()
    torch.testing.assert_close(logits(again, ids), logits(model, ids))


def test_a_state_dict_goes_from_one_to_the_other(ids):
    stock, opened = tiny_model("gpt2"), tiny_model("gpt2", seed=1)
    open_layers(opened)
    opened.load_state_dict(stock.state_dict())
    assert torch.equal(logits(copy.deepcopy(opened), ids), logits(opened, ids))
    torch.testing.assert_close(logits(opened, ids), logits(stock, ids))
    for name, weight in opened.state_dict().items():
        assert torch.equal(weight, stock.state_dict()[name]), name


def test_closing_undoes_opening(ids):
    model, before = tiny_model("gpt2"), tiny_model("gpt2")
    parameters = [*model.parameters()]
    open_layers(model)
    open_layers(model)
    assert all(one is other for one, other in zip(model.parameters(), parameters, strict=True))
    close_layers(model)
    assert kinds(model) == {Conv1D, nn.Linear}
    assert torch.equal(logits(model, ids), logits(before, ids))


def test_tied_embeddings_stay_tied_and_are_stored_once(tmp_path):
    from safetensors import safe_open

    tiny_model("gpt2", "causal-lm").save_pretrained(tmp_path / "stock")
    tiny_tokenizer("gpt2").save_pretrained(tmp_path / "stock")
    model = load_torch(tmp_path / "stock").module
    save_model(model, tiny_tokenizer("gpt2"), tmp_path / "saved")
    with safe_open(tmp_path / "saved" / "model.safetensors", "pt") as file:
        assert "lm_head.weight" not in file.keys()  # noqa: SIM118 (no mapping)
    again = GPT2LMHeadModel.from_pretrained(tmp_path / "saved")
    assert again.lm_head.weight is again.transformer.wte.weight


def test_layers_that_depend_on_their_number_stay():
    model = tiny_model("gpt2", scale_attn_by_inverse_layer_idx=True)
    assert len(blocks(model)) == 3
    with pytest.raises(InputError, match="depends on its number"):
        keep_layers(model, [0, 2])
