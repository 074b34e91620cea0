"""Tokenizers that panic, fail at a text, or would cut texts to nothing."""

import json
import shutil

import pytest

from tinybert import load
from tinybert.base.errors import InputError
from tinybert.cli.main import main


@pytest.fixture
def model_with(tiny_artifact_dir, tmp_path):
    """A copy of the tiny model with a part of its tokenizer replaced."""

    def make(changes, settings=None):
        folder = tmp_path / "model"
        shutil.copytree(tiny_artifact_dir, folder)
        for name, values in {"tokenizer": changes, "tokenizer_config": settings or {}}.items():
            path = folder / f"{name}.json"
            document = json.loads(path.read_text(encoding="utf-8"))
            path.write_text(json.dumps(document | values), encoding="utf-8")
        return folder

    return make


AS_IT_IS = {"tokenizer_class": "PreTrainedTokenizerFast"}
"""A class that takes all of tokenizer.json, not the vocabulary alone."""

PANICS = {
    "a map of characters": {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}},
    "words of no length": {"pre_tokenizer": {"type": "FixedLength", "length": 0}},
}


@pytest.mark.parametrize("changes", PANICS.values(), ids=PANICS)
def test_a_tokenizer_that_panics_in_one_line(changes, model_with, capfd):
    folder = model_with(changes)
    assert main(["predict", str(folder), "good"]) == 2
    said = capfd.readouterr().err
    assert len(said.splitlines()) == 1, said
    assert f"{folder}/tokenizer.json: not readable as a tokenizer" in said


def test_a_tokenizer_that_panics_at_one_text(model_with):
    pattern = {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": "b"}
    model = load(model_with({"normalizer": pattern}, AS_IT_IS))
    assert len(model("good")) == 1
    with pytest.raises(InputError, match=r"tokenizer\.json: its tokenizer fails"):
        model("a" * 60 + "b")


def test_a_word_that_is_unknown_to_a_tokenizer_without_unknowns(model_with):
    words = {"type": "WordLevel", "vocab": {"good": 9}, "unk_token": "[UNK]"}
    model = load(model_with({"model": words, "added_tokens": [], "post_processor": None}, AS_IT_IS))
    assert len(model("good")) == 1
    with pytest.raises(InputError, match=r"tokenizer\.json: its tokenizer fails"):
        model("bad")


@pytest.mark.parametrize("length", [-1, 0, 2, "64", [], True, float("nan")])
def test_a_length_that_leaves_no_room_for_text(length, model_with):
    with pytest.raises(InputError, match=r"tokenizer(_config)?\.json"):
        load(model_with({}, {"model_max_length": length}))


@pytest.mark.parametrize("length", [3, 64, 1e30, None])
def test_lengths_that_tokenizers_have(length, model_with):
    assert len(load(model_with({}, {"model_max_length": length}))("good film")) == 1


@pytest.mark.parametrize("value", [[], "yes", {"a": 1}, 7], ids=str)
def test_settings_of_wrong_kinds(value, model_with):
    with pytest.raises(InputError, match=r"tokenizer_config\.json: can't be honoured"):
        load(model_with({}, {"strip_accents": value}))
