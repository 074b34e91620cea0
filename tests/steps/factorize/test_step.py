"""Low-rank layers in a model: what they compute, what they cost, how they come back."""

import logging

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertForSequenceClassification

import tinybert
from tinybert.base.errors import InputError
from tinybert.formats.open import load_student
from tinybert.modeling.load import load_model, save_model
from tinybert.modeling.low_rank import LowRankLinear
from tinybert.steps.factorize.config import FactorizeConfig
from tinybert.steps.factorize.step import factorize, low_rank


@pytest.fixture
def model(tiny_bert_dir, tiny_context):
    return load_model(tiny_bert_dir, tiny_context().task)


def logits(model):
    with torch.inference_mode():
        return model(input_ids=torch.arange(5, 17).view(2, 6)).logits


def test_parameters_are_as_computed_on_paper():
    """Rank 256 of 768 x 3072: 196,608 + 786,432 weights."""
    layer = low_rank(nn.Linear(768, 3072), torch.zeros(768), torch.eye(768), 256)
    assert layer.down.weight.numel() == 196_608
    assert layer.up.weight.numel() == 786_432
    assert sum(weight.numel() for weight in layer.parameters()) == 196_608 + 786_432 + 3072


def test_only_the_named_parts_change(model, tiny_context):
    low = factorize(FactorizeConfig(rank=4, parts=["attention"]), model, tiny_context())
    kinds = {
        name: isinstance(part, LowRankLinear)
        for name, part in low.bert.encoder.layer[0].named_modules()
        if isinstance(part, nn.Linear | LowRankLinear) and not name.endswith((".up", ".down"))
    }
    assert kinds == {
        "attention.self.query": True,
        "attention.self.key": True,
        "attention.self.value": True,
        "attention.output.dense": True,
        "intermediate.dense": False,
        "output.dense": False,
    }


def test_a_weight_that_has_this_rank_stays_as_it_is(model, tiny_context):
    for layer in model.bert.encoder.layer:
        for part in (layer.intermediate.dense, layer.output.dense):
            left, singular, right = torch.linalg.svd(part.weight.data, full_matrices=False)
            part.weight.data = left[:, :3] * singular[:3] @ right[:3]
    expected, parameters = logits(model), model.num_parameters()
    low = factorize(FactorizeConfig(rank=3), model, tiny_context())
    assert low.num_parameters() < parameters
    torch.testing.assert_close(logits(low), expected, atol=1e-4, rtol=1e-3)


def test_layers_that_would_grow_stay(model, tiny_context):
    width = model.config.hidden_size
    with pytest.raises(InputError, match=f"rank {width} would make no matrix smaller"):
        factorize(FactorizeConfig(rank=width), model, tiny_context())
    with pytest.raises(InputError, match=r"energy 0\.999"):
        factorize(FactorizeConfig(energy=0.999, multiple=width), model, tiny_context())


def test_more_energy_is_nearer(model, tiny_context):
    expected, far = logits(model), []
    for energy in (0.3, 0.6, 0.9):
        copy = type(model)(model.config).eval()
        copy.load_state_dict(model.state_dict())
        low = factorize(FactorizeConfig(energy=energy, multiple=1), copy, tiny_context())
        far.append((logits(low) - expected).square().mean().item())
    assert far[0] > far[1] > far[2]


def test_it_comes_back_from_disk(model, tiny_context, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        low = factorize(FactorizeConfig(rank=5), model, tiny_context())
    save_model(low, tiny_context().tokenizer, tmp_path / "model")
    torch.testing.assert_close(logits(load_student(tmp_path / "model")), logits(low))
    assert f"{low.num_parameters()} parameters of" in caplog.text


def test_one_rule_for_the_rank():
    with pytest.raises(ValueError, match="give one"):
        FactorizeConfig(rank=3, energy=0.5)


def test_in_a_recipe(quick_bench, recipe, tmp_path):
    """Factorised, healed, exported, quantized, loaded."""
    steps = [
        {"factorize": {"rank": 4}},
        {"distill": {"epochs": 1, "hidden": 1.0, "relations": 1.0, "relation_heads": 4}},
        {"quantize": {}},
    ]
    report = tinybert.compress(recipe(steps=steps), tmp_path / "out").report
    by_name = {step["name"]: step for step in report["steps"]}
    assert by_name["factorize"]["parameters"] < report["teacher"]["parameters"]
    assert by_name["distill"]["parameters"] == by_name["factorize"]["parameters"]
    student = load_student(tmp_path / "out")
    assert any(isinstance(part, LowRankLinear) for part in student.modules())
    assert len(tinybert.load(tmp_path / "out")(["a great film"])) == 1
    assert isinstance(student, BertForSequenceClassification)
    assert isinstance(student.config, BertConfig)
