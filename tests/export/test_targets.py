import json

import pytest
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tinybert.errors import InputError
from tinybert.export import TARGETS, Target, export, find_target


def test_an_unknown_target_is_refused_before_anything_is_written(tiny_bert_dir, tmp_path):
    model = AutoModelForSequenceClassification.from_pretrained(tiny_bert_dir)
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert_dir)
    with pytest.raises(InputError, match="no target 'tflite'; there are: onnx"):
        export(model, tokenizer, tmp_path, ["onnx", "tflite"])
    assert not list(tmp_path.iterdir())


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(TARGETS, "x", Target("no.module", "x/model.x", ("no_such_package",), "xx"))
    with pytest.raises(InputError, match=r"no_such_package is needed .*'tinybert\[xx\]'"):
        find_target("x")


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
