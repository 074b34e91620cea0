"""Rows without labels: the student learns the teacher's answers, and is scored by them."""

import json

import pytest
from tests.search.conftest import reviews_csv
from tests.tiny_models import tiny_model_dir

import tinybert
from tinybert.base.errors import InputError
from tinybert.cli.main import main
from tinybert.recipe.draft import draft_recipe

SMALL = {"layers": 1, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}
STEPS = [{"student": SMALL}, {"distill": {"epochs": 1}}, {"quantize": {"method": "dynamic"}}]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a fine-tuned teacher, labeled rows, and texts alone."""
    folder = tmp_path_factory.mktemp("no-labels")
    tiny_model_dir("bert", folder / "teacher")
    tiny_model_dir("bert", folder / "values", "text-regression")
    tiny_model_dir("bert", folder / "labels", "multi-label-classification")
    rows = reviews_csv(folder / "rows.csv", 300, 0).read_text().splitlines()
    texts = [row.partition(",")[0] for row in rows[1:]]
    (folder / "texts.txt").write_text("\n".join(texts) + "\n\n", encoding="utf-8")
    (folder / "texts.csv").write_text("message\n" + "\n".join(texts) + "\n", encoding="utf-8")
    return folder


def recipe(place, teacher="teacher", **data):
    kinds = {"teacher": "classification", "values": "regression"}
    kind = kinds.get(teacher)
    return {
        "teacher": str(place / teacher),
        "task": f"text-{kind}" if kind else "multi-label-classification",
        "data": {"train": str(place / "texts.txt"), "eval": "20%", "max_length": 24, **data},
        "steps": STEPS,
    }


@pytest.fixture(scope="module")
def learned(place):
    return tinybert.compress(recipe(place), place / "out")


def test_the_metric_is_agreement_and_is_called_so(learned):
    report = learned.report
    assert report["task"]["metric"] == "agreement"
    assert report["task"]["labels"] == "teacher"
    assert report["teacher"]["metric"] == 1.0
    for artifact in report["artifacts"]:
        assert 0 <= artifact["metric"] <= 1
        assert artifact["metrics"] == {"agreement": artifact["metric"]}
    assert report["baseline"] is None
    page = (learned.out / "report.html").read_text(encoding="utf-8")
    assert "the teacher" in page
    assert "accuracy" not in (learned.out / "README.md").read_text(encoding="utf-8")


def test_the_model_itself_knows_its_usual_metric(learned, place, capsys):
    config = json.loads((learned.out / "config.json").read_text())
    assert config["tinybert"]["task"]["metrics"] == ["accuracy"]
    data = ["--data", str(place / "rows.csv"), "--text", "text", "--label", "label"]
    assert main(["evaluate", str(learned.out), *data, "--json"]) == 0
    assert "accuracy" in json.loads(capsys.readouterr().out)["metrics"]


@pytest.mark.parametrize(("teacher", "metric"), [("values", "spearman"), ("labels", "agreement")])
def test_other_tasks_agree_in_their_own_way(place, tmp_path, teacher, metric):
    report = tinybert.compress(recipe(place, teacher), tmp_path / "out").report
    assert report["task"]["metric"] == metric
    assert report["task"]["labels"] == "teacher"
    assert report["teacher"]["metric"] == pytest.approx(1.0)


def test_a_csv_of_texts_alone_is_unlabeled_and_others_are_not(place, tmp_path):
    given = recipe(place, train=str(place / "texts.csv"), text="message")
    assert tinybert.compress(given, tmp_path / "out").report["task"]["metric"] == "agreement"
    rows = (place / "rows.csv").read_text().replace("text,label", "text,stars")
    (tmp_path / "stars.csv").write_text(rows)
    given = recipe(place, train=str(tmp_path / "stars.csv"), text="text")
    with pytest.raises(InputError, match="no column 'label'; it has: text, stars"):
        tinybert.compress(given, tmp_path / "other")


def test_labeled_evaluation_rows_are_scored_as_ever(place, tmp_path):
    given = recipe(place, eval=str(place / "rows.csv"), text="text", label="label")
    given["data"]["train"] = str(place / "texts.txt")
    report = tinybert.compress(given, tmp_path / "out").report
    assert report["task"]["metric"] == "accuracy"
    assert "labels" not in report["task"]


def test_a_head_has_to_be_there(place, tmp_path):
    bare = {**recipe(place), "steps": [{"finetune": {}}, *STEPS]}
    with pytest.raises(InputError, match="label"):
        tinybert.compress(bare, tmp_path / "out")
    task = {"kind": "text-classification", "metrics": ["agreement"]}
    with pytest.raises(InputError, match="agreement is what rows without labels"):
        tinybert.compress({**recipe(place), "task": task}, tmp_path / "out")


def test_one_command(place):
    draft = draft_recipe(str(place / "teacher"), str(place / "texts.txt"))
    assert draft.recipe["data"]["train"].endswith("texts.txt")
    assert draft.recipe["data"]["eval"] == "10%"
    assert "label" not in draft.recipe["data"]
    assert any("no labels" in note for note in draft.notes)
    draft = draft_recipe(str(place / "teacher"), str(place / "texts.csv"))
    assert draft.recipe["data"]["text"] == "message"
