import logging
from types import SimpleNamespace

import numpy as np
import pytest
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertForSequenceClassification,
)

from tinybert.formats.load import load, open_artifact
from tinybert.formats.parity import check_parity, self_check
from tinybert.formats.quantize import quantize_onnx
from tinybert.modeling.torch_model import load_torch
from tinybert.run.export import export
from tinybert.steps.quantize.note import QUANTIZATION_KEY
from tinybert.tasks import get_task
from tinybert.tasks.outputs import Outputs

TEXTS = ["a great film", "dull", "the cat sat on the mat and ate", "not good, not bad"] * 4


@pytest.fixture(scope="module")
def exported(tiny_bert_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("exported")
    model = AutoModelForSequenceClassification.from_pretrained(tiny_bert_dir)
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert_dir)
    path = export(model, tokenizer, out)["onnx"]
    quantize_onnx(path, path.with_name("model_quantized.onnx"))
    return model, out / "onnx"


@pytest.fixture(scope="module")
def expected(tiny_bert_dir):
    return load_torch(tiny_bert_dir).logits(TEXTS)


def given(logits):
    return Outputs({"logits": logits})


def test_an_fp32_file_agrees_on_every_row(exported, expected):
    parity = check_parity(load(exported[1] / "model.onnx"), TEXTS, given(expected))
    assert parity["max_abs_diff"] < 1e-4
    assert parity["agreement"] == 1


def test_another_models_fp32_file_is_a_fault(exported, expected):
    with pytest.raises(RuntimeError, match="the export is at fault"):
        check_parity(load(exported[1] / "model.onnx"), TEXTS, given(expected + 0.01))


def test_not_a_number_is_a_fault(exported, expected):
    with pytest.raises(RuntimeError, match="differ"):
        check_parity(load(exported[1] / "model.onnx"), TEXTS, given(expected * np.float32("nan")))


def test_int8_is_reported_and_low_agreement_warned_of(exported, expected, caplog):
    artifact = load(exported[1] / "model_quantized.onnx")
    parity = check_parity(artifact, TEXTS, given(expected))
    assert 0 < parity["max_abs_diff"] < 0.5
    with caplog.at_level(logging.WARNING):
        assert check_parity(artifact, TEXTS, given(-expected))["agreement"] < 0.95
    assert "of 16 rows only" in caplog.text


def test_a_warning_calls_the_file_as_it_is_told(exported, expected, caplog):
    """The folder of a step, where it lies when it is measured, says nothing to a user."""
    check_parity(
        load(exported[1] / "model_quantized.onnx"), TEXTS, given(-expected), name="onnx/a.onnx"
    )
    assert "onnx/a.onnx answers" in caplog.text
    assert str(exported[1]) not in caplog.text


def test_the_self_check_finds_a_changed_model(exported, tiny_bert_dir):
    artifact = load(exported[1] / "model.onnx")
    model = AutoModelForSequenceClassification.from_pretrained(tiny_bert_dir)
    self_check(artifact, model)
    model.classifier.bias.data += 0.01
    with pytest.raises(RuntimeError, match="differ"):
        self_check(artifact, model)


def test_large_values_may_differ_by_as_large_rounding(tiny_bert_dir, tmp_path):
    model = BertForSequenceClassification.from_pretrained(tiny_bert_dir)
    model.classifier.weight.data *= 1e5
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert_dir)
    artifact = open_artifact(export(model, tokenizer, tmp_path)["onnx"], None)
    logits = artifact.logits(["a film"])
    assert np.abs(logits).max() > 1e4
    assert check_parity(artifact, ["a film"], given(logits * (1 + 1e-4)))["agreement"] == 1
    with pytest.raises(RuntimeError, match="at fault"):
        check_parity(artifact, ["a film"], given(logits * 1.01))


@pytest.mark.parametrize(
    ("kind", "reduced", "saturates", "advised"),
    [
        ("openvino", False, True, True),
        ("openvino", True, True, False),
        ("openvino", False, False, False),
        ("onnx", False, True, False),
    ],
)
def test_low_agreement_where_sums_saturate(
    kind, reduced, saturates, advised, expected, caplog, monkeypatch
):
    """ONNX files run exactly on every CPU; 7 bits help OpenVINO's where sums are cut."""
    monkeypatch.setattr("tinybert.formats.parity.sums_saturate", lambda: saturates)
    artifact = SimpleNamespace(
        format=kind,
        config={QUANTIZATION_KEY: {"reduce_range": reduced}},
        facts=lambda: SimpleNamespace(precision="int8"),
        task=get_task({"kind": "text-classification", "labels": ["negative", "positive"]}),
    )
    check_parity(artifact, TEXTS, given(expected), given(-expected), name="a.xml")
    assert "of 16 rows only" in caplog.text
    assert ("reduce_range: true" in caplog.text) is advised
