"""Models of uneven and low-rank layers are saved and loaded like any other."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForSequenceClassification

import tinybert
from tinybert.base.errors import InputError
from tinybert.formats.open import load_student, open_model
from tinybert.modeling.load import save_model
from tinybert.modeling.low_rank import LowRankLinear
from tinybert.modeling.selection import select_in
from tinybert.modeling.shape import SHAPE_KEY, head_counts, neuron_counts, shaped

SHAPE = {
    "attention_heads": [1, 3],
    "intermediate_sizes": [5, 24],
    "ranks": {"encoder.layer.1.intermediate.dense": 3},
}


@pytest.fixture
def uneven(tiny_bert_dir):
    config = BertConfig.from_pretrained(tiny_bert_dir, num_hidden_layers=2)
    setattr(config, SHAPE_KEY, SHAPE)
    torch.manual_seed(0)
    return shaped(BertForSequenceClassification, config)(config).eval()


def logits(model):
    with torch.inference_mode():
        return model(input_ids=torch.arange(5, 17).view(2, 6)).logits


def test_it_has_the_shape_and_the_name_of_its_class(uneven):
    assert head_counts(uneven) == SHAPE["attention_heads"]
    assert neuron_counts(uneven) == SHAPE["intermediate_sizes"]
    assert isinstance(uneven.bert.encoder.layer[1].intermediate.dense, LowRankLinear)
    assert isinstance(uneven, BertForSequenceClassification)
    assert type(uneven).__name__ == "BertForSequenceClassification"


def test_it_comes_back_from_disk(uneven, tiny_context, tmp_path):
    save_model(uneven, tiny_context().tokenizer, tmp_path / "model")
    assert json.loads((tmp_path / "model/config.json").read_text())[SHAPE_KEY] == SHAPE
    torch.testing.assert_close(logits(load_student(tmp_path / "model")), logits(uneven))


def test_without_scores_it_is_not_whole(uneven, tiny_context, tmp_path):
    select_in(uneven, 1, 4)
    save_model(uneven, tiny_context().tokenizer, tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["bert.encoder.selection.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"lack bert\.encoder\.selection\.weight.* `shorten`"):
        load_student(tmp_path)


def test_selected_positions_come_back_from_disk(uneven, tiny_context, tmp_path):
    full = logits(uneven)
    select_in(uneven, 1, 4).weight.normal_()
    selected = logits(uneven)
    assert not torch.allclose(selected, full, atol=1e-5)
    save_model(uneven, tiny_context().tokenizer, tmp_path / "model")
    noted = json.loads((tmp_path / "model/config.json").read_text())[SHAPE_KEY]
    assert noted == SHAPE | {"selection": {"layer": 1, "positions": 4}}
    stored = sum(tensor.numel() for tensor in uneven.state_dict().values())
    assert open_model(tmp_path / "model").facts().parameters == stored
    torch.testing.assert_close(
        logits(load_student(tmp_path / "model")), selected, atol=1e-6, rtol=0
    )


def test_sizes_that_stock_models_can_hold_are_theirs(tiny_bert_dir, tiny_context, tmp_path):
    config = BertConfig.from_pretrained(tiny_bert_dir, num_hidden_layers=2)
    setattr(config, SHAPE_KEY, {"intermediate_sizes": [6, 6]})
    model = shaped(BertForSequenceClassification, config)(config).eval()
    save_model(model, tiny_context().tokenizer, tmp_path / "model")
    assert SHAPE_KEY not in json.loads((tmp_path / "model/config.json").read_text())
    stock = BertForSequenceClassification.from_pretrained(tmp_path / "model").eval()
    torch.testing.assert_close(logits(stock), logits(model))


def test_a_noted_shape_that_does_not_fit(uneven, tiny_context, tmp_path):
    save_model(uneven, tiny_context().tokenizer, tmp_path / "model")
    path = tmp_path / "model/config.json"
    path.write_text(
        json.dumps(json.loads(path.read_text()) | {SHAPE_KEY: {"attention_heads": [1]}})
    )
    with pytest.raises(InputError, match="does not fit 2 layers"):
        load_student(tmp_path / "model")


def test_a_student_starts_from_an_uneven_teacher(uneven, tiny_context):
    shape = {"layers": 1, "hidden_size": 16, "attention_heads": 1, "intermediate_size": 4}
    from tinybert.steps.student.config import StudentConfig
    from tinybert.steps.student.step import student

    small = student(StudentConfig(**shape), uneven, tiny_context())
    assert head_counts(small) == [1]
    assert not hasattr(small.config, SHAPE_KEY)
    assert tinybert.build_student(StudentConfig(**shape), uneven).config.intermediate_size == 4
