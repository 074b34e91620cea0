import json
import shutil

import pytest
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForQuestionAnswering,
    BertForSequenceClassification,
)

from tinybert import quantize_onnx
from tinybert.base.errors import InputError
from tinybert.formats import export as targets
from tinybert.formats.load import find_artifact, load
from tinybert.formats.registry import FORMATS, Format, find_format
from tinybert.run.export import export


@pytest.fixture
def model(tiny_bert_dir):
    return AutoModelForSequenceClassification.from_pretrained(tiny_bert_dir)


@pytest.fixture
def tokenizer(tiny_bert_dir):
    return AutoTokenizer.from_pretrained(tiny_bert_dir)


def test_an_unknown_target_is_refused_before_anything_is_written(tiny_bert_dir, tmp_path):
    model = AutoModelForSequenceClassification.from_pretrained(tiny_bert_dir)
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert_dir)
    with pytest.raises(InputError, match="no target 'tflite'; there are: onnx"):
        export(model, tokenizer, tmp_path, ["onnx", "tflite"])
    assert not list(tmp_path.iterdir())


def test_a_missing_package_names_the_extra(monkeypatch):
    absent = Format("no.folder", "x/model.x", ("no_such_package",), "xx", "no_runtime")
    monkeypatch.setitem(FORMATS, "x", absent)
    with pytest.raises(InputError, match=r"no_such_package is needed .*'tinybert\[xx\]'"):
        find_format("x")


def test_export_lays_out_what_the_runtime_reads(tiny_bert_dir, tmp_path):
    model = AutoModelForSequenceClassification.from_pretrained(tiny_bert_dir)
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert_dir)
    attention = model.config._attn_implementation
    model.train()
    artifacts = export(model, tokenizer, tmp_path)
    assert artifacts == {"onnx": tmp_path / "onnx" / "model.onnx"}
    files = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert files >= {"onnx/model.onnx", "config.json", "tokenizer.json", "tokenizer_config.json"}
    assert json.loads((tmp_path / "config.json").read_text())["id2label"]["1"] == "positive"
    assert model.training, "export leaves the model as it was"
    assert model.config._attn_implementation == attention


def test_what_an_earlier_export_left_is_no_other_models(model, tokenizer, tmp_path):
    pytest.importorskip("openvino")
    export(model, tokenizer, tmp_path)
    quantize_onnx(tmp_path / "onnx/model.onnx", tmp_path / "onnx/model_quantized.onnx")
    assert find_artifact(tmp_path) == tmp_path / "onnx/model_quantized.onnx"
    (tmp_path / "onnx/notes.txt").write_text("mine")
    model.config.id2label = {0: "cat", 1: "dog"}
    export(model, tokenizer, tmp_path, ["openvino"])
    assert find_artifact(tmp_path) == tmp_path / "openvino/model.xml"
    assert [path.name for path in (tmp_path / "onnx").iterdir()] == ["notes.txt"]
    listed = json.loads((tmp_path / "manifest.json").read_text())["files"]
    assert {"openvino/model.xml", "openvino/model.bin", "tokenizer.json"} <= set(listed)
    assert not [name for name in listed if name.startswith("onnx/")]
    assert set(load(tmp_path)(["a film"])[0]["scores"]) == {"cat", "dog"}


def test_an_artifact_of_someone_else_would_get_our_labels(model, tokenizer, tmp_path):
    export(model, tokenizer, tmp_path)
    other = tmp_path / "onnx/model_quantized.onnx"
    shutil.copy(tmp_path / "onnx/model.onnx", other)
    assert find_artifact(tmp_path) == tmp_path / "onnx/model.onnx"
    model.config.id2label = {0: "cat", 1: "dog"}
    with pytest.raises(InputError, match=r"model_quantized\.onnx: is in the way"):
        export(model, tokenizer, tmp_path)
    assert other.exists()
    assert set(load(tmp_path)(["a film"])[0]["scores"]) == {"negative", "positive"}


def test_a_file_that_computes_something_else_is_not_left_behind(
    model, tokenizer, tmp_path, monkeypatch
):
    def fails(*_):
        raise RuntimeError("the export is at fault")

    monkeypatch.setattr(targets, "self_check", fails)
    with pytest.raises(RuntimeError, match="at fault"):
        export(model, tokenizer, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".lock", ".tinybert-run"}


def test_models_that_look_back_only_or_are_too_large_are_refused(
    model, tokenizer, tmp_path, monkeypatch
):
    model.config.is_decoder = True
    with pytest.raises(InputError, match="is_decoder"):
        export(model, tokenizer, tmp_path)
    model.config.is_decoder = False
    monkeypatch.setattr(targets, "_LARGEST", 1000)
    with pytest.raises(InputError, match=r"its weights take .* as fp32"):
        export(model, tokenizer, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_model_of_few_positions(tokenizer, tmp_path):
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=6,
    )
    export(BertForSequenceClassification(config), tokenizer, tmp_path)
    assert load(tmp_path)(["a very good film about a man and a dog"])[0]["scores"]


def test_a_failed_export_leaves_the_one_before_it(model, tokenizer, tmp_path, monkeypatch):
    export(model, tokenizer, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def fails(*_):
        raise RuntimeError("the export is at fault")

    monkeypatch.setattr(targets, "self_check", fails)
    model.config.id2label = {0: "cat", 1: "dog"}
    with pytest.raises(RuntimeError, match="at fault"):
        export(model, tokenizer, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_model_without_logits_is_refused(tiny_bert_dir, tokenizer, tmp_path):
    model = BertForQuestionAnswering.from_pretrained(tiny_bert_dir)
    with pytest.raises(InputError, match="BertForQuestionAnswering gives no logits"):
        export(model, tokenizer, tmp_path)
    assert not list(tmp_path.iterdir())
