"""Several tasks on one encoder, from a recipe to a file that answers all of them."""

import json
import random

import numpy as np
import onnx
import pytest

import tinybert
from tiny_models import WORDS, tiny_model_dir
from tinybert.base.errors import InputError
from tinybert.cli.main import main
from tinybert.formats.open import open_model
from tinybert.modeling.torch_model import load_torch
from tinybert.recipe.inputs import read_inputs
from tinybert.recipe.recipe import Recipe

STUDENT = {"layers": 2, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}


def text(dice):
    return " ".join(dice.choices(WORDS, k=dice.randint(3, 9)))


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Teachers of three tasks, of three families with their own tokenizers, and rows of each."""
    folder, dice = tmp_path_factory.mktemp("several"), random.Random(0)
    tiny_model_dir("bert", folder / "sentiment")
    tiny_model_dir("roberta", folder / "tags", "multi-label-classification")
    tiny_model_dir("distilbert", folder / "stars", "text-regression")
    makes = {
        "sentiment": lambda: {"label": dice.choice(["negative", "positive"])},
        "tags": lambda: {"labels": dice.sample(["a", "b", "c"], dice.randint(0, 3))},
        "stars": lambda: {"label": round(dice.uniform(-1, 1), 2)},
    }
    for name, make in makes.items():
        for split, count in (("train", 48), ("dev", 24)):
            rows = [{"text": text(dice), **make()} for _ in range(count)]
            if split == "train" and name == "tags":
                rows = [{"text": row["text"]} for row in rows]  # the teachers need no labels
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            (folder / f"{name}-{split}.jsonl").write_text(lines, encoding="utf-8")
    return folder


KINDS = {
    "sentiment": "text-classification",
    "tags": "multi-label-classification",
    "stars": "text-regression",
}


def part(given, name, **changes):
    files = {split: str(given / f"{name}-{ours}.jsonl") for split, ours in SPLITS.items()}
    return {"kind": KINDS[name], "teacher": str(given / name), "text": "text", **files, **changes}


SPLITS = {"train": "train", "eval": "dev"}


def recipe(given, names=tuple(KINDS), tasks=None, **changes):
    tasks = {name: part(given, name) for name in names} if tasks is None else tasks
    return {
        "teacher": str(given / "sentiment"),
        "task": {"kind": "several-tasks", "tasks": tasks},
        "data": {"max_length": 32},
        "steps": [{"student": STUDENT}, {"distill": {"epochs": 2, "bf16": False}}],
        **changes,
    }


@pytest.mark.usefixtures("quick_bench")
def test_one_file_answers_every_task(given, tmp_path, capsys):
    out = tmp_path / "out"
    steps = [
        {"trim-vocabulary": {}},
        {"student": STUDENT},
        {"distill": {"epochs": 2, "bf16": False}},
        {"prune": {"neurons": 0.5}},
        {"quantize": {"method": "qat", "distill": {"epochs": 1, "bf16": False}}},
    ]
    report = tinybert.compress(recipe(given, steps=steps), out).report
    assert report["task"]["metric"] == "mean"
    assert report["task"]["eval_rows"] == 72
    assert report["teacher"]["models"] == 3
    assert {"sentiment.accuracy", "tags.micro_f1", "stars.spearman"} <= {
        *report["artifacts"][0]["metrics"]
    }
    assert report["baseline"] is None
    graph = onnx.load(out / "onnx/model.onnx").graph
    names = [f"logits_{name}" for name in KINDS]
    assert [output.name for output in graph.output] == names

    texts = ["a great film", "the dog sat"]
    model = tinybert.load(out)
    answers = model(texts)
    assert [*answers[0]] == [*KINDS]
    assert answers[0]["sentiment"]["scores"].keys() == {"negative", "positive"}
    assert answers[0]["tags"]["scores"].keys() == {"a", "b", "c"}
    assert isinstance(answers[0]["stars"]["value"], float)
    stock = load_torch(out / "student")
    fp32 = open_model(out / "onnx/model.onnx")
    np.testing.assert_allclose(fp32.logits(texts), stock.logits(texts), atol=1e-3)

    assert main(["predict", str(out), *texts, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)["predictions"]
    assert [*printed[0]] == [*KINDS]
    assert main(["predict", str(out), *texts]) == 0
    assert capsys.readouterr().out.startswith("sentiment\t")
    table = tmp_path / "answers.csv"
    rows = str(given / "tags-dev.jsonl")
    assert main(["predict", str(out), "--file", rows, "--out", str(table)]) == 0
    assert "sentiment.label,sentiment.score,tags.labels" in table.read_text(encoding="utf-8")
    capsys.readouterr()

    for name, metric in (("sentiment", "accuracy"), ("tags", "micro_f1"), ("stars", "spearman")):
        data = str(given / f"{name}-dev.jsonl")
        assert main(["evaluate", str(out), "--part", name, "--data", data, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        best = next(each for each in report["artifacts"] if each["path"] == report["best"])
        assert found["value"] == pytest.approx(best["metrics"][f"{name}.{metric}"], abs=1e-6)
    assert main(["evaluate", str(out), "--data", data]) == 2
    assert "--part" in capsys.readouterr().err
    assert main(["evaluate", str(out), "--part", "nope", "--data", data]) == 2
    assert "does sentiment, tags, stars" in capsys.readouterr().err
    assert main(["info", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["task"]["kind"] == "several-tasks"


@pytest.mark.usefixtures("quick_bench")
def test_a_student_of_another_encoder_learns_made_rows_too(given, tmp_path):
    """Rows that `augment` made are answered by each teacher, as all others are."""
    tiny_model_dir("bert", tmp_path / "base", "masked-lm")
    small = {**STUDENT, "base": str(tmp_path / "base")}
    steps = [
        {"augment": {"copies": 1}},
        {"student": small},
        {"distill": {"epochs": 1, "bf16": False}},
    ]
    tasks = {"stars": part(given, "stars", eval="50%"), "sentiment": part(given, "sentiment")}
    values = recipe(given, tasks=tasks, steps=steps, teacher=str(given / "stars"))
    report = tinybert.compress(values, tmp_path / "out").report
    assert report["task"]["eval_rows"] == 48
    assert [*tinybert.load(tmp_path / "out")("a film")[0]] == ["stars", "sentiment"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"data": {"train": "x", "max_length": 32}},
            "data.train: each of several tasks has its own",
        ),
        ({"data": {"text": "x", "max_length": 32}}, "data.text: each of several tasks has its own"),
        ({"steps": [{"student": STUDENT}]}, "no step learns what the teachers .* add `distill`"),
        ({"steps": [{"finetune": {}}, {"student": STUDENT}, {"distill": {}}]}, "leave it out"),
        ({"steps": [{"student": STUDENT}, {"distill": {"label": 1}}]}, "leave it out"),
        ({"steps": [{"student": STUDENT}, {"distill": {"cache": "off"}}]}, "answers are kept"),
        (
            {"steps": [{"student": STUDENT}, {"distill": {"teachers": [{"model": "x"}]}}]},
            "each of several tasks has its own teacher",
        ),
        ({"steps": [{"generate": {}}, {"student": STUDENT}, {"distill": {}}]}, "masked_lm"),
        ({"task": "several-tasks"}, "name the tasks"),
    ],
)
def test_what_several_tasks_cannot_have_is_refused(given, changes, message):
    with pytest.raises(InputError, match=message):
        read_inputs(Recipe.from_mapping(recipe(given, **changes)))


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("sentiment", {"teacher": None}, "sentiment.teacher: expected path or hub id"),
        ("sentiment", {"eval": 3}, "sentiment.eval: expected DATA, got 3"),
        ("tags", {"threshold": "best"}, "tags.teacher: .*has no thresholds chosen like that"),
        ("stars", {"kind": "text-classification"}, "stars.teacher: .*the task is text-class"),
        ("stars", {"text": "no"}, "stars: .*no column 'no'"),
        ("stars", {"label": "no"}, "'no'"),
    ],
)
def test_what_is_wrong_of_one_task_is_told_with_its_name(given, name, changes, message):
    tasks = {each: part(given, each) for each in KINDS}
    tasks[name] |= changes
    with pytest.raises(InputError, match=message):
        read_inputs(Recipe.from_mapping(recipe(given, tasks=tasks)))
    del tasks[name]["train"]
    with pytest.raises(InputError, match=f"{name}.* is missing|{message}"):
        read_inputs(Recipe.from_mapping(recipe(given, tasks=tasks)))


def test_several_tasks_are_neither_drafted_nor_searched(given, capsys):
    rows = str(given / "sentiment-dev.jsonl")
    command = ["compress", str(given / "sentiment"), "--train", rows, "--task", "several-tasks"]
    assert main(command) == 2
    assert "which a recipe names" in capsys.readouterr().err
    from tinybert.search.compress import prepare

    budget = {"size": "5MB"}
    steps = [{"student": {}}, {"distill": {}}]
    with pytest.raises(InputError, match="are not searched for"):
        prepare(Recipe.from_mapping(recipe(given, budget=budget, steps=steps)))


def test_the_plan_counts_the_rows_of_all(given, tmp_path, capsys):
    path = tmp_path / "recipe.yaml"
    path.write_text(json.dumps(recipe(given)), encoding="utf-8")
    assert main(["compress", str(path), "--dry-run", "--out", str(tmp_path / "out")]) == 0
    assert "144 training rows, 72 evaluation rows" in capsys.readouterr().err


def test_no_run_writes_over_the_rows_of_a_task(given):
    from tinybert.run.output_folder import read_by

    names = {key for key, _ in read_by(Recipe.from_mapping(recipe(given)))}
    assert {"task.tasks.tags.teacher", "task.tasks.stars.train"} <= names
