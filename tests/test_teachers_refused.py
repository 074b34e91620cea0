"""Models that can't be used: the cause and the way out, in one line."""

import json
import shutil

import pytest
import transformers
from transformers import (
    BartConfig,
    BartForSequenceClassification,
    BertConfig,
    PreTrainedTokenizerFast,
)

from tinybert.cli.main import main

SHAPE = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
SHAPE |= {"intermediate_size": 16, "vocab_size": 200}


@pytest.fixture
def refused(capsys, tmp_path):
    """Runs the program and returns the one line that it refuses with."""

    def run(*arguments):
        capsys.readouterr()
        assert main([*map(str, arguments)]) == 2
        said = capsys.readouterr()
        (line,) = said.err.splitlines()
        assert said.out == ""
        assert len(line.replace(str(tmp_path), "")) < 500  # wherever the tests run
        return line

    return run


@pytest.fixture
def save(tiny_bert_dir, tmp_path):
    """Saves a model with the tiny tokenizer."""

    def make(model):
        folder = tmp_path / "model"
        model.save_pretrained(folder)
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_file=str(tiny_bert_dir / "tokenizer.json"), pad_token="[PAD]"
        )
        tokenizer.save_pretrained(folder)
        return folder

    return make


HEADS = {
    "BertForMultipleChoice": "multiple choice",
    "BertForSequenceClassification": "one label, there or not",
}


@pytest.mark.parametrize("head", HEADS)
def test_heads_for_other_tasks_are_named(save, recipe, refused, tmp_path, head):
    config = BertConfig(**SHAPE, num_labels=3)
    if head == "BertForSequenceClassification":
        config = BertConfig(**SHAPE, num_labels=1, problem_type="multi_label_classification")
    folder = save(getattr(transformers, head)(config))
    wanted = f"its head is for {HEADS[head]}"
    for arguments in (
        ("predict", folder, "a film"),
        ("export", folder, "--to", "onnx", "--out", tmp_path / "out"),
    ):
        said = refused(*arguments)
        assert wanted in said
        assert "this version does text-classification, " in said
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(recipe(teacher=str(folder), steps=["quantize"])))
    said = refused("compress", path, "--dry-run")
    assert wanted in said
    assert "begin the steps with `finetune`" in said


def test_a_bare_encoder_says_what_makes_a_head(save, recipe, refused, tmp_path):
    folder = save(transformers.BertModel(BertConfig(**SHAPE)))
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(recipe(teacher=str(folder), steps=["quantize"])))
    said = refused("compress", path, "--dry-run")
    assert "has no head for text-classification; begin the steps with `finetune`" in said


def bart():
    sizes = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "vocab_size": 200}
    sizes |= {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    return BartForSequenceClassification(BartConfig(**sizes))


@pytest.mark.parametrize("model", [bart])
def test_models_that_write_texts_are_not_exported(save, refused, tmp_path, model):
    folder = save(model())
    said = refused("export", folder, "--to", "onnx", "--out", tmp_path / "out")
    assert f"is of the type {model.__name__}, which writes texts" in said
    assert not list((tmp_path / "out").glob("*"))


def without_tokenizer(tiny_bert_dir, tmp_path):
    folder = shutil.copytree(tiny_bert_dir, tmp_path / "model")
    for path in [*folder.glob("*token*"), folder / "vocab.txt"]:
        path.unlink()
    return folder


def test_a_tokenizer_that_is_slow_only_is_named(tiny_bert_dir, refused, tmp_path):
    """Whatever packages Transformers would ask for."""
    folder = without_tokenizer(tiny_bert_dir, tmp_path)
    shutil.copy(tiny_bert_dir / "vocab.txt", folder)
    settings = {"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "mecab"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    said = refused("predict", folder, "a film")
    assert "its tokenizer, BertJapaneseTokenizer, is written in Python and has no fast form" in said
    assert "install" not in said


def test_no_tokenizer_at_all(tiny_bert_dir, refused, tmp_path):
    folder = without_tokenizer(tiny_bert_dir, tmp_path)
    assert "has no tokenizer.json and no vocabulary" in refused("predict", folder, "a film")


def test_what_reads_sentencepiece_is_asked_for_by_its_name(
    tiny_bert_dir, refused, tmp_path, monkeypatch
):
    folder = without_tokenizer(tiny_bert_dir, tmp_path)
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "XLMRobertaTokenizer"}')
    (folder / "sentencepiece.bpe.model").write_bytes(b"\x00\x01")
    monkeypatch.setattr("tinybert.modeling.tokenizer.find_spec", lambda name: None)
    said = refused("predict", folder, "a film")
    assert "sentencepiece.bpe.model needs sentencepiece; run: pip install sentencepiece" in said
