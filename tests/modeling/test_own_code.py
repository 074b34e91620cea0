"""Models and data sets that bring code along: it is not run, and nobody is asked to agree."""

import json
import shutil
from pathlib import Path

import pytest

from tinybert.base.errors import InputError
from tinybert.cli.main import main
from tinybert.data.hub import read_hub
from tinybert.formats.open import open_model
from tinybert.modeling.load import load_tokenizer

SOURCE = Path(__file__).parents[1] / "src"
TRAP = "import pathlib\npathlib.Path(__file__).with_name('sprung').touch()\nclass Own: pass\n"
NAMES = ("AutoConfig", "AutoModel", "AutoModelForSequenceClassification")


@pytest.fixture
def change(tiny_bert_dir, tmp_path, monkeypatch):
    """Makes a copy of the tiny teacher with code of its own, and who would agree to run it."""
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("was asked"))
    folder = tmp_path / "model"
    shutil.copytree(tiny_bert_dir, folder)
    (folder / "own.py").write_text(TRAP, encoding="utf-8")

    def make(name, **values):
        path = folder / name
        document = json.loads(path.read_text(encoding="utf-8")) | values
        path.write_text(json.dumps(document), encoding="utf-8")
        return folder

    yield make
    assert not list(tmp_path.rglob("sprung"))


OWN_MODEL = {
    "model_type": "own",
    "auto_map": dict.fromkeys(NAMES, "own.Own"),
}
OWN_TOKENIZER = {"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["own.Own", "own.Own"]}}


@pytest.mark.parametrize("command", ["predict", "compress"])
def test_a_model_of_its_own_code(change, command, recipe, tmp_path, capsys):
    folder = change("config.json", **OWN_MODEL)
    file = tmp_path / "recipe.yaml"
    file.write_text(json.dumps(recipe(teacher=str(folder), steps=["quantize"])), encoding="utf-8")
    options = {"predict": [str(folder), "a film"], "compress": [str(file), "--dry-run"]}[command]
    assert main([command, *options]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"{folder}: needs code of its own" in said
    assert "trust_remote_code" not in said


def test_a_tokenizer_of_its_own_code_is_what_tokenizer_json_says(change):
    folder = change("tokenizer_config.json", **OWN_TOKENIZER)
    assert load_tokenizer(folder)("a film")["input_ids"]
    assert open_model(folder)(["a film"])


def test_a_tokenizer_that_is_nothing_but_its_own_code(change):
    folder = change("tokenizer_config.json", **OWN_TOKENIZER)
    change("config.json", **OWN_MODEL)
    with pytest.raises(InputError, match="needs code of its own"):
        load_tokenizer(folder)


def test_code_that_nobody_needs_is_no_reason_to_refuse(change):
    """Transformers has the class that config.json names."""
    assert open_model(change("config.json", auto_map={"AutoConfig": "own.Own"}))(["a film"])


def test_a_data_set_of_its_own_code(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    folder = tmp_path / "own" / "set"
    folder.mkdir(parents=True)
    (folder / "set.py").write_text(TRAP, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="own/set"):
        read_hub("own/set", "train")
    assert not list(tmp_path.rglob("sprung"))


def test_every_model_and_tokenizer_is_loaded_so():
    for file in SOURCE.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert text.count(".from_pretrained(") == text.count("**NOT_RUN"), file
