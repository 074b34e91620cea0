"""Teachers whose outputs are LABEL_0, LABEL_1, ...: their order is said, never guessed."""

import csv
import json
import shutil

import numpy as np
import pytest
import yaml

from tinybert.base.errors import InputError
from tinybert.cli.main import main
from tinybert.modeling.load import load_model
from tinybert.modeling.torch_model import load_torch
from tinybert.recipe.inputs import read_inputs
from tinybert.recipe.recipe import Recipe

NAMES = ("World", "Business")
"""Of the outputs, in their order; by alphabet they are the other way round."""


@pytest.fixture(scope="module")
def unnamed(tiny_bert_dir, tmp_path_factory, reviews):
    """The tiny BERT with outputs that have no names, and either answer for half of the reviews."""
    folder = shutil.copytree(tiny_bert_dir, tmp_path_factory.mktemp("teachers") / "unnamed")
    model = load_torch(folder)
    logits = model.logits([row["sentence"] for row in reviews])
    model.module.classifier.bias.data[1] -= float(np.median(logits[:, 1] - logits[:, 0]))
    model.module.save_pretrained(folder)
    set_labels(folder, ["LABEL_0", "LABEL_1"])
    return folder


def set_labels(folder, names):
    config = json.loads((folder / "config.json").read_text())
    config |= {"id2label": {str(index): name for index, name in enumerate(names)}}
    config |= {"label2id": {name: index for index, name in enumerate(names)}}
    (folder / "config.json").write_text(json.dumps(config))


@pytest.fixture
def write_rows(unnamed, reviews, tmp_path):
    """Writes the reviews with the labels that a function makes of row and the model's answer."""
    texts = [row["sentence"] for row in reviews]
    answers = load_torch(unnamed).logits(texts).argmax(axis=1)

    def write(label):
        path = tmp_path / "rows.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["sentence", "label"])
            for row, (text, answer) in enumerate(zip(texts, answers, strict=True)):
                rows.writerow([text, label(row, answer)])
        return path

    return write


@pytest.fixture
def read_recipe(recipe, unnamed):
    def run(rows, **changes):
        data = {"train": str(rows), "eval": str(rows), "max_length": 32}
        steps = recipe()["steps"][1:]
        changed = recipe(**{"teacher": str(unnamed), "data": data, "steps": steps, **changes})
        return read_inputs(Recipe.from_mapping(changed))

    return run


@pytest.mark.parametrize("learns_labels", [False, True])
def test_the_likely_labels_are_printed_to_be_pasted(write_rows, read_recipe, recipe, learns_labels):
    rows = write_rows(lambda row, answer: NAMES[answer] if row else "Business")
    steps = recipe()["steps"][1:]
    if learns_labels:
        steps[1]["distill"]["label"] = 1.0
    with pytest.raises(InputError, match="the model's outputs have no names") as caught:
        read_recipe(rows, steps=steps)
    said = str(caught.value)
    assert f"% of 40 rows of {rows}" in said
    assert "\n" not in said
    line = said.split("`")[-2]
    assert line == "task: {kind: text-classification, labels: [World, Business]}"
    pasted = yaml.safe_load(line)["task"]
    assert read_recipe(rows, steps=steps, task=pasted).task.labels == NAMES


def test_other_options_of_the_task_stay_in_the_line(write_rows, read_recipe):
    rows = write_rows(lambda row, answer: ("yes", "no: never")[answer])
    with pytest.raises(InputError) as caught:
        read_recipe(rows, task={"kind": "text-classification", "metrics": ["macro_f1"]})
    assert yaml.safe_load(str(caught.value).split("`")[-2])["task"] == {
        "kind": "text-classification",
        "metrics": ["macro_f1"],
        "labels": ["yes", "no: never"],
    }


def test_an_agreement_by_chance_is_called_so(write_rows, read_recipe):
    rows = write_rows(lambda row, answer: NAMES[row % 2])
    with pytest.raises(InputError, match=r"no better than chance .* was it fine-tuned"):
        read_recipe(rows)


def test_numbers_are_those_of_the_outputs(write_rows, read_recipe):
    rows = write_rows(lambda row, answer: f"{answer}.0")
    found = read_recipe(rows).task
    assert found.labels == ("0.0", "1.0")


def test_numbers_that_no_output_has_are_asked_for(write_rows, read_recipe):
    rows = write_rows(lambda row, answer: (20, 3)[answer])
    with pytest.raises(InputError, match=r"labels: \['20', '3'\]"):
        read_recipe(rows)


def test_other_numbers_of_labels_are_refused_plainly(write_rows, read_recipe):
    rows = write_rows(lambda row, answer: "abc"[row % 3])
    with pytest.raises(InputError, match=r"unknown label 'a'.*known: LABEL_0, LABEL_1"):
        read_recipe(rows)


def test_fine_tuning_makes_a_new_head(write_rows, read_recipe, recipe, unnamed, caplog):
    rows = write_rows(lambda row, answer: NAMES[answer])
    found = read_recipe(rows, steps=recipe()["steps"])
    assert found.task.labels == ("Business", "World")
    assert "`finetune` trains a new head" in caplog.text
    new, old = load_model(unnamed, found.task, new_head=True), load_torch(unnamed).module
    assert not new.classifier.weight.equal(old.classifier.weight)


def test_a_second_teacher_without_names_is_refused(
    write_rows, read_recipe, recipe, unnamed, tiny_bert_dir
):
    rows = write_rows(lambda row, answer: ("positive", "negative")[answer])
    student = recipe()["steps"][1]
    steps = [student, {"distill": {"teachers": [{"model": str(unnamed)}]}}]
    with pytest.raises(InputError, match=r"teachers\.0\.model: .* have no names"):
        read_recipe(rows, teacher=str(tiny_bert_dir), steps=steps)


def test_evaluate_says_how_to_name_them(write_rows, unnamed, tmp_path, capsys):
    rows = write_rows(lambda row, answer: NAMES[answer])
    arguments = ["evaluate", str(unnamed), "--task", "text-classification", "--data", str(rows)]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "100.0% of 40 rows" in said
    names = said[said.index('"id2label": ') + len('"id2label": ') :]
    assert json.loads(names) == {"0": "World", "1": "Business"}
    named = shutil.copytree(unnamed, tmp_path / "named")
    set_labels(named, json.loads(names).values())
    assert main(["evaluate", str(named), *arguments[2:]]) == 0
    assert "accuracy  1.0000" in capsys.readouterr().out
