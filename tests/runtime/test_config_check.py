import json
import shutil

import pytest

from tinybert import load
from tinybert.base.errors import InputError
from tinybert.formats.open import open_model
from tinybert.measure.info import describe
from tinybert.runtime.config_check import check_config

WRONG = {
    "positions below 0": {"max_position_embeddings": -5},
    "positions as text": {"max_position_embeddings": "512"},
    "positions beyond any": {"max_position_embeddings": 10**12},
    "positions of 400 digits": {"max_position_embeddings": 10**400},
    "half a position": {"max_position_embeddings": 1.5},
    "positions as a truth": {"max_position_embeddings": True},
    "no width": {"hidden_size": 0},
    "layers as a list": {"num_hidden_layers": [2]},
    "labels without end": {"num_labels": 10**12, "id2label": None},
    "labels as text": {"num_labels": "2", "id2label": None},
    "names as a list": {"id2label": ["negative", "positive"]},
    "names with a hole": {"id2label": {"0": "negative", "2": "positive"}},
    "names from 1": {"id2label": {"1": "negative", "2": "positive"}},
    "names of words": {"id2label": {"²": "negative", "x": "positive"}},
    "a name that can't be printed": {"id2label": {"0": "\ud800", "1": "positive"}},
    "padding as text": {"pad_token_id": "x"},
    "padding far away": {"pad_token_id": 10**12},
    "classes as text": {"architectures": "BertForSequenceClassification"},
    "classes of numbers": {"architectures": [1]},
    "a type of numbers": {"model_type": 1},
    "a problem of lists": {"problem_type": []},
    "a shape as a list": {"tinybert_shape": [1]},
    "our key as a list": {"tinybert": [1]},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("form", ["onnx", "pytorch"])
def test_a_config_of_wrong_kinds(changes, form, tiny_artifact_dir, tiny_bert_dir, tmp_path):
    source = tiny_artifact_dir if form == "onnx" else tiny_bert_dir
    folder = tmp_path / "model"
    shutil.copytree(source, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | changes), encoding="utf-8")
    with pytest.raises(InputError, match=r"model.*config\.json") as refused:
        load(folder) if form == "onnx" else open_model(folder).require_predictions()
    assert len(str(refused.value)) < 600


@pytest.mark.parametrize("changes", [{"hidden_size": -5}, {"tinybert_shape": [1]}])
def test_info_of_a_config_of_wrong_kinds(changes, tiny_bert_dir, tmp_path):
    shutil.copytree(tiny_bert_dir, tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | changes), encoding="utf-8")
    with pytest.raises(InputError, match=r"model: its config\.json is broken"):
        describe(tmp_path / "model")


def test_what_other_models_say_passes():
    check_config({})
    check_config({"type_vocab_size": 0, "max_position_embeddings": -1, "pad_token_id": None})
    check_config({"num_labels": None, "id2label": {"0": 1, "1": 2.5}, "architectures": None})
