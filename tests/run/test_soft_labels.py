"""Rows that come with soft labels: no fine-tuned teacher, no labels."""

import csv
import json
import random

import numpy as np
import pytest
from tests.search.conftest import reviews_csv
from tests.tiny_models import tiny_model_dir

import tinybert
from tinybert.base.errors import InputError
from tinybert.cli.main import main
from tinybert.recipe.draft import draft_recipe
from tinybert.recipe.inputs import read_inputs
from tinybert.recipe.recipe import Recipe

SMALL = {"layers": 1, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}
LEARNS = {"max_steps": 4, "batch_size": 8}


@pytest.fixture(scope="module")
def place(tmp_path_factory, quick_bench):
    """A folder with a bare encoder, one that is fine-tuned, and rows whose scores are columns."""
    folder, dice = tmp_path_factory.mktemp("soft-labels"), random.Random(0)
    tiny_model_dir("bert", folder / "teacher")
    tiny_model_dir("bert", folder / "values", "text-regression")
    rows = reviews_csv(folder / "labeled.csv", 300, 0).read_text().splitlines()[1:]
    with (folder / "rows.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "good", "bad"])
        for row in rows:
            text, label = row.rsplit(",", 1)
            sure = dice.uniform(0.6, 1)
            good = sure if label == "positive" else 1 - sure
            writer.writerow([text, round(good, 3), round(1 - good, 3)])
    return folder


def recipe(place, **changes):
    return {
        "teacher": str(place / "values"),  # another task's head: it gets a new one
        "task": "text-classification",
        "data": {
            "train": str(place / "rows.csv"),
            "eval": "20%",
            "text": "text",
            "soft_labels": {"positive": "good", "negative": "bad"},
            "max_length": 24,
        },
        "steps": [
            {"finetune": LEARNS},
            {"augment": {"copies": 1}},
            {"student": SMALL},
            {"distill": LEARNS},
            {"quantize": {"method": "dynamic"}},
        ],
    } | changes


def test_a_teacher_and_a_student_learn_them(place, tmp_path):
    result = tinybert.compress(recipe(place), tmp_path / "out")
    report = result.report
    assert report["task"]["labels"] == "soft"
    assert 0 < report["teacher"]["metric"] <= 1
    model = tinybert.load(tmp_path / "out")
    assert model.labels == ("negative", "positive")
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "likeliest of the soft labels" in (tmp_path / "out" / "report.html").read_text()
    assert "soft labels" in card


def test_rows_that_steps_make_keep_what_is_known_of_them(place):
    inputs = read_inputs(Recipe.from_mapping(recipe(place)))
    known = inputs.train.texts[5]
    soft = inputs.train.soft_labels_of([known, "a text of which nothing is known"])
    assert soft[0] == pytest.approx(inputs.train.soft_labels[5])
    assert np.isnan(soft[1]).all()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"steps": [{"quantize": {}}], "teacher": "teacher"}, "no step learns from them"),
        ({"task": "text-regression"}, "text-regression has none"),
        (
            {"steps": [{"generate": {"rows": 20}}, {"student": SMALL}, {"distill": LEARNS}]},
            "`generate` makes other rows",
        ),
        ({"soft_labels": ["good"]}, "two or more"),
        ({"soft_labels": "nowhere.csv"}, "nowhere.csv: no such file"),
        ({"train": None}, "data.train names none"),
    ],
)
def test_what_can_not_be_is_refused(place, changes, said):
    values = recipe(place)
    for key, value in changes.items():
        if key in ("soft_labels", "train"):
            values["data"][key] = value
        else:
            values[key] = str(place / value) if key == "teacher" else value
    with pytest.raises(InputError, match=said):
        read_inputs(Recipe.from_mapping(values))


def test_without_a_recipe(place, capsys):
    given = ["--soft-labels", "positive=good", "--soft-labels", "negative=bad"]
    options = ["compress", str(place / "values"), "--train", str(place / "rows.csv"), "--dry-run"]
    assert main([*options, *given, "--task", "text-classification", "--json"]) == 0
    shown = capsys.readouterr()
    written = json.loads(shown.out)
    assert written["data"]["soft_labels"] == {"positive": "good", "negative": "bad"}
    assert next(iter(written["steps"][0])) == "finetune"
    assert "text: text" in shown.err


def test_a_fine_tuned_model_needs_no_fine_tuning(place):
    draft = draft_recipe(
        str(place / "teacher"),
        str(place / "rows.csv"),
        soft_labels={"positive": "good", "negative": "bad"},
    )
    assert "finetune" not in [next(iter(step)) for step in draft.recipe["steps"]]
    read_inputs(Recipe.from_mapping(draft.recipe, ["data.max_length=24"]))
    with pytest.raises(InputError, match=r"--soft-labels: .*no column 'best'"):
        draft_recipe(
            str(place / "teacher"), str(place / "rows.csv"), soft_labels={"a": "best", "b": "bad"}
        )


def test_texts_of_a_txt_are_no_words_with_tags(place, tmp_path):
    (tmp_path / "texts.txt").write_text("a film\n" * 20 + "a dull one\n" * 40)
    line = {"label": "good", "scores": {"good": 0.9, "bad": 0.1}}
    (tmp_path / "scores.jsonl").write_text((json.dumps(line) + "\n") * 60)
    train, scores = (str(tmp_path / name) for name in ("texts.txt", "scores.jsonl"))
    bare = tiny_model_dir("bert", tmp_path / "bare", "masked-lm")
    draft = draft_recipe(str(bare), train, soft_labels=scores)
    assert draft.recipe["task"] == {"kind": "text-classification"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["positive=p_good"], "one column is not enough"),
        (["a=x", "a=y"], "a label is there twice"),
    ],
)
def test_columns_on_the_line_are_several(place, given, said, capsys):
    options = [f"--soft-labels={each}" for each in given]
    assert main(["compress", str(place / "values"), "--train", "rows.csv", *options]) == 2
    assert said in capsys.readouterr().err


def test_a_model_that_is_only_quantized_learns_them_too(place, tmp_path):
    model = tiny_model_dir("albert", tmp_path / "albert")
    soft = {"positive": "good", "negative": "bad"}
    draft = draft_recipe(str(model), str(place / "rows.csv"), soft_labels=soft)
    assert [next(iter(step)) for step in draft.recipe["steps"]] == ["finetune", "quantize"]
    read_inputs(Recipe.from_mapping(draft.recipe, ["data.max_length=24"]))
