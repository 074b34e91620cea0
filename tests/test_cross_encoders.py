"""Models with one output whose value is its sigmoid, as cross-encoders name it."""

import json
import shutil

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

import tinybert
from tinybert.base.errors import InputError
from tinybert.cli.main import main
from tinybert.formats.open import load_student
from tinybert.modeling.load import load_model
from tinybert.modeling.torch_model import load_torch
from tinybert.recipe.inputs import read_inputs
from tinybert.recipe.recipe import Recipe
from tinybert.tasks import get_task, task_from_config

SIGMOID, IDENTITY = "torch.nn.modules.activation.Sigmoid", "torch.nn.modules.linear.Identity"
PAIR = ("a great film", "the film was good")


@pytest.fixture
def reranker(tiny_bert_dir, tmp_path):
    """Saves one as sentence-transformers does, its activation named in one of three places."""

    def make(place="new", activation=SIGMOID):
        folder = shutil.copytree(tiny_bert_dir, tmp_path / "reranker", dirs_exist_ok=True)
        config = BertConfig.from_pretrained(folder, num_labels=1, problem_type=None)
        config.id2label = {0: "LABEL_0"}
        torch.manual_seed(0)
        BertForSequenceClassification(config).save_pretrained(folder)
        settings = json.loads((folder / "config.json").read_text())
        if place == "new":
            settings["sentence_transformers"] = {"activation_fn": activation, "version": "5.0.0"}
        elif place == "old":
            settings["sbert_ce_default_activation_function"] = activation
        elif place == "beside":
            beside = {"model_type": "CrossEncoder", "activation_fn": activation}
            (folder / "config_sentence_transformers.json").write_text(json.dumps(beside))
        (folder / "config.json").write_text(json.dumps(settings))
        return folder

    return make


def value_of(folder, pair=PAIR):
    (prediction,) = load_torch(folder)([pair])
    return prediction["value"]


def output_of(folder, pair=PAIR):
    return float(load_torch(folder).logits([pair])[0, 0])


@pytest.mark.parametrize("place", ["new", "old", "beside"])
@pytest.mark.parametrize("activation", [SIGMOID, IDENTITY])
def test_the_named_activation_makes_the_value(reranker, place, activation, capsys):
    folder = reranker(place, activation)
    output = output_of(folder)
    want = 1 / (1 + np.exp(-output)) if activation == SIGMOID else output
    assert value_of(folder) == pytest.approx(want)
    assert main(["predict", str(folder), "--pair", *PAIR, "--json"]) == 0
    (prediction,) = json.loads(capsys.readouterr().out)["predictions"]
    assert prediction["value"] == pytest.approx(want)


def test_without_a_name_the_output_is_the_value(reranker):
    folder = reranker(None)
    assert value_of(folder) == output_of(folder)


def test_another_activation_is_refused_by_name(reranker, pairs_recipe):
    folder = reranker("new", "torch.nn.modules.activation.Tanh")
    with pytest.raises(InputError, match=r"'torch\.nn\.modules\.activation\.Tanh'.*identity, sig"):
        load_torch(folder).require_predictions()
    with pytest.raises(InputError, match=r"activation\.Tanh"):
        read_inputs(Recipe.from_mapping(pairs_recipe(folder)))


@pytest.mark.parametrize("place", ["new", "old", "beside"])
def test_export_keeps_it(reranker, place, tmp_path):
    folder, out = reranker(place), tmp_path / "out"
    assert main(["export", str(folder), "--to", "onnx,openvino", "--out", str(out)]) == 0
    for file in ("onnx/model.onnx", "openvino/model.xml"):
        (prediction,) = tinybert.load(out / file)([PAIR])
        assert prediction["value"] == pytest.approx(value_of(folder), abs=1e-4)


@pytest.fixture
def pairs_recipe(recipe, files):
    def make(folder, **changes):
        data = {"train": str(files / "pairs.jsonl"), "eval": str(files / "pairs.jsonl")}
        data |= {"text": ["first", "second"], "label": "alike", "max_length": 32}
        steps = recipe()["steps"][1:]
        return recipe(
            **{"teacher": str(folder), "task": "text-regression", "data": data, "steps": steps}
            | changes
        )

    return make


@pytest.mark.parametrize("place", ["beside", "old"])
def test_a_compressed_one_keeps_it(reranker, pairs_recipe, quick_bench, place, tmp_path):
    folder, out = reranker(place), tmp_path / "out"
    report = tinybert.compress(pairs_recipe(folder), out).report
    assert report["teacher"]["metrics"].keys() == {"spearman", "pearson"}
    output = float(load_torch(out / "student").logits([PAIR])[0, 0])
    want = 1 / (1 + np.exp(-output))
    assert value_of(out / "student") == pytest.approx(want)
    (prediction,) = tinybert.load(out / "onnx" / "model.onnx")([PAIR])
    assert prediction["value"] == pytest.approx(want, abs=1e-4)
    # What sentence-transformers reads, and what makes a pipeline of Transformers take the sigmoid.
    config = load_student(out).config
    assert config.sentence_transformers == {"activation_fn": SIGMOID}
    assert config.problem_type is None


def test_labels_are_not_learned_through_another_activation(reranker, pairs_recipe):
    folder = reranker()
    steps = pairs_recipe(folder)["steps"]
    for changed in ([{"finetune": {}}, *steps], [steps[0], {"distill": {"label": 1.0}}]):
        with pytest.raises(InputError, match="sigmoid of its output, which no step can learn"):
            read_inputs(Recipe.from_mapping(pairs_recipe(folder, steps=changed)))
    steps = [{"finetune": {}}, *steps]
    read_inputs(Recipe.from_mapping(pairs_recipe(reranker("new", IDENTITY), steps=steps)))


@pytest.mark.parametrize("place", ["new", "old", "beside"])
def test_a_new_head_has_none_of_the_old_one_s(reranker, place):
    folder = reranker(place, "torch.nn.modules.activation.Tanh")
    model = load_model(folder, get_task("text-regression"), new_head=True)
    assert task_from_config(model.config.to_dict()).activation is None


def test_a_second_teacher_has_the_same(reranker, pairs_recipe, tmp_path):
    folder = shutil.copytree(reranker(), tmp_path / "first")
    other = reranker("new", IDENTITY)
    steps = pairs_recipe(folder)["steps"]
    steps = [steps[0], {"distill": {"teachers": [{"model": str(other)}]}}]
    with pytest.raises(InputError, match="another activation"):
        read_inputs(Recipe.from_mapping(pairs_recipe(folder, steps=steps)))
