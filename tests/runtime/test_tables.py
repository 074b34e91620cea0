"""Ids beyond a model's tables are refused when it is loaded, not at the one text that has them."""

import json
import shutil

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, processors
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

import tinybert
from tinybert.base.errors import InputError
from tinybert.cli.main import main
from tinybert.modeling.load import load_model, load_tokenizer
from tinybert.modeling.torch_model import load_torch
from tinybert.recipe.inputs import read_inputs
from tinybert.recipe.recipe import Recipe
from tinybert.run.export import export
from tinybert.runtime.tables import Tables
from tinybert.tasks import get_task

WANTED = r"its tokenizer gives ids up to \d+, and its table of tokens has \d+ rows; .*resize_token"


def add_token(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["[NEW]"])
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def one_type(tiny_bert_dir, tmp_path):
    """The tiny BERT with one row in its table of types, for pairs."""
    folder = shutil.copytree(tiny_bert_dir, tmp_path / "one-type")
    config = BertConfig.from_pretrained(folder, type_vocab_size=1)
    torch.manual_seed(0)
    BertForSequenceClassification(config).save_pretrained(folder)
    settings = json.loads((folder / "config.json").read_text())
    task = {"kind": "text-classification", "text": ["first", "second"]}
    (folder / "config.json").write_text(json.dumps(settings | {"tinybert": {"task": task}}))
    return folder


def test_pytorch_models(tiny_bert_dir, tmp_path):
    folder = add_token(shutil.copytree(tiny_bert_dir, tmp_path / "model"))
    with pytest.raises(InputError, match=WANTED):
        load_torch(folder).require_predictions()
    model = load_torch(tiny_bert_dir)
    with pytest.raises(InputError, match=WANTED):
        export(model.module, load_tokenizer(folder), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_program(tiny_bert_dir, tmp_path, recipe, capsys):
    folder = add_token(shutil.copytree(tiny_bert_dir, tmp_path / "model"))
    with pytest.raises(InputError, match=WANTED):
        read_inputs(Recipe.from_mapping(recipe(teacher=str(folder))))
    assert main(["export", str(folder), "--to", "onnx", "--out", str(tmp_path / "out")]) == 2
    assert main(["predict", str(folder), "a film"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2
    resized = load_torch(tiny_bert_dir).module
    resized.resize_token_embeddings(len(AutoTokenizer.from_pretrained(folder)))
    resized.save_pretrained(folder)
    assert main(["predict", str(folder), "a film [NEW]"]) == 0


def test_artifacts(tiny_artifact_dir, tmp_path):
    folder = add_token(shutil.copytree(tiny_artifact_dir, tmp_path / "out"))
    with pytest.raises(InputError, match=WANTED):
        tinybert.load(folder)


def test_a_vocabulary_that_is_smaller_is_fine(tiny_artifact_dir, tmp_path):
    folder = shutil.copytree(tiny_artifact_dir, tmp_path / "out")
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(
        json.dumps(settings | {"vocab_size": settings["vocab_size"] + 7})
    )
    assert tinybert.load(folder)("a film")


def test_an_id_behind_a_gap_is_refused_with_its_text(tiny_artifact_dir, tmp_path):
    folder = shutil.copytree(tiny_artifact_dir, tmp_path / "out")
    document = json.loads((folder / "tokenizer.json").read_text())
    document["model"]["vocab"]["film"] = 9999
    (folder / "tokenizer.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=WANTED):
        tinybert.load(folder)("a film")


def test_pairs_on_a_model_with_one_type(one_type, tmp_path, recipe, files):
    wanted = r"gives the second text of a pair the type 1, and its table of types has 1 row"
    with pytest.raises(InputError, match=wanted):
        load_torch(one_type).require_predictions()
    task = {"kind": "text-classification", "text": ["first", "second"], "labels": ["a", "b"]}
    model = load_model(one_type, get_task({**task, "labels": ["negative", "positive"]}))
    with pytest.raises(InputError, match=wanted):
        export(model, load_tokenizer(one_type), tmp_path / "out")
    rows = tmp_path / "pairs.jsonl"
    row = {"first": "a film", "second": "a dog"}
    lines = [json.dumps({**row, "label": label}) for label in ("negative", "positive") * 3]
    rows.write_text("\n".join(lines))
    changed = recipe(
        teacher=str(one_type),
        task="text-classification",
        data={"train": str(rows), "eval": str(rows), "text": ["first", "second"]},
        steps=["quantize"],
    )
    changed["data"]["max_length"] = 32
    with pytest.raises(InputError, match=wanted):
        read_inputs(Recipe.from_mapping(changed))


def test_one_type_is_enough_where_the_tokenizer_tells_none_apart(one_type):
    """As RoBERTa's don't."""
    tokenizer = Tokenizer.from_file(str(one_type / "tokenizer.json"))
    cls, sep = ((name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]"))
    tokenizer.post_processor = processors.RobertaProcessing(sep, cls)
    tokenizer.save(str(one_type / "tokenizer.json"))
    settings = json.loads((one_type / "tokenizer_config.json").read_text())
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"  # which takes the file as it is
    (one_type / "tokenizer_config.json").write_text(json.dumps(settings))
    assert load_torch(one_type)([("a film", "a dog")])


def test_single_texts_are_fine_on_one_type(one_type):
    settings = json.loads((one_type / "config.json").read_text())
    del settings["tinybert"]
    (one_type / "config.json").write_text(json.dumps(settings))
    model = load_torch(one_type)
    assert model("a film")
    with pytest.raises(InputError, match="the type 1"):
        model([("a film", "a dog")])


def test_sizes_that_are_no_numbers_check_nothing():
    tables = Tables.of_config({"vocab_size": "many", "type_vocab_size": -1}, "x", takes_types=True)
    tables.check_ids(10**6, 10**6)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_outputs_that_are_no_numbers_are_no_answer(tiny_bert_dir, value, monkeypatch, capsys):
    model = load_torch(tiny_bert_dir)
    answer = model.forward

    def forward(features):
        outputs = answer(features)
        outputs["logits"][features["attention_mask"].sum(1) > 6, 0] = value
        return outputs

    monkeypatch.setattr(model, "forward", forward)
    assert model("a film")
    with pytest.raises(InputError, match=r"its outputs for text 3 are no finite numbers"):
        model(["a film", "a dog", "the film was very good and very long", "a cat"])
    monkeypatch.setattr("tinybert.formats.open.open_model", lambda *_: model)
    assert main(["predict", str(tiny_bert_dir), "a dog sat on the mat and ate", "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
