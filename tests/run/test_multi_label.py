"""The whole way of several labels a text: thresholds go with the model, wherever it goes."""

import contextlib
import json

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, pipeline

import tinybert
from tinybert.base.errors import InputError
from tinybert.cli.main import main
from tinybert.data import read
from tinybert.measure.evaluate import evaluate
from tinybert.modeling.torch_model import load_torch
from tinybert.recipe.inputs import read_inputs
from tinybert.recipe.recipe import Recipe
from tinybert.tasks.thresholds import best_thresholds, sigmoid

SHAPE = {"layers": 1, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}
WORDS = {"positive": ["great", "good", "funny"], "sad": ["awful", "bad"], "old": ["was"]}
TASK = {"kind": "multi-label-classification", "threshold": "best-per-label"}
SHORT = {"max_steps": 4, "batch_size": 8, "learning_rate": 1e-2}


@pytest.fixture(scope="module")
def data(tmp_path_factory, reviews):
    """The reviews, labeled by the words that they have; some have none."""
    folder = tmp_path_factory.mktemp("sets")
    rows = []
    for row in reviews:
        words = set(row["sentence"].split())
        labels = [name for name, own in WORDS.items() if words & set(own)]
        rows.append({"text": row["sentence"], "labels": labels})
    assert {len(row["labels"]) for row in rows} >= {0, 1, 2}
    for name, part in {"train": rows[:28], "dev": rows[28:] + rows[:3]}.items():
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, part)))
    return folder


@pytest.fixture(scope="module")
def make(recipe, data):
    def changed(**changes):
        steps = [
            {"finetune": SHORT},
            {"student": SHAPE},
            {"distill": {**SHORT, "label": 0.5}},
            {"quantize": {"method": "qat", "distill": {"max_steps": 2, "batch_size": 8}}},
        ]
        values = {"task": TASK, "data": {"train": str(data), "max_length": 32}, "steps": steps}
        return recipe(**(values | changes))

    return changed


@pytest.fixture(scope="module")
def finished(quick_bench, make, tmp_path_factory):
    out = tmp_path_factory.mktemp("sets") / "out"
    return out, tinybert.compress(make(), out).report


@pytest.fixture(scope="module")
def stock(tmp_path_factory, tiny_tokenizer_dir):
    """Another's model of that problem type, sure of nothing."""
    folder = tmp_path_factory.mktemp("stock")
    config = BertConfig.from_dict(
        {"vocab_size": 200, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
        | {"intermediate_size": 64, "problem_type": "multi_label_classification"}
        | {"id2label": dict(enumerate(WORDS)), "initializer_range": 0.4}
    )
    torch.manual_seed(0)
    model = BertForSequenceClassification(config)
    with torch.no_grad():
        model.classifier.bias -= 4
    model.save_pretrained(folder)
    for file in tiny_tokenizer_dir.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def thresholds_of(folder):
    config = json.loads((folder / "config.json").read_text())
    assert config["problem_type"] == "multi_label_classification"
    return config["tinybert"]["task"]["thresholds"]


def step_of(out, number):
    """The folder that a step left."""
    (folder,) = (out / "steps").glob(f"{number:02}-*")
    return folder


def run_until_export(recipe, out):
    """Runs the steps; the export takes longer than all of them."""

    class Stopped(Exception):
        pass

    def progress(report):
        if report.step == "export":
            raise Stopped

    with contextlib.suppress(Stopped):
        tinybert.compress(recipe, out, progress=progress)
    return out


def test_thresholds_are_those_of_the_student_on_training_rows(finished, data):
    out, _ = finished
    student = load_torch(out / "student")
    task = student.task
    rows = task.examples(read(data))
    expected = best_thresholds(sigmoid(student.logits(rows.texts)), rows.labels)
    assert thresholds_of(out) == thresholds_of(out / "student") == expected.tolist()
    assert thresholds_of(step_of(out, 1) / "model") != expected.tolist()


def test_the_report_is_of_the_thresholds_that_the_files_have(finished, data):
    out, report = finished
    assert report["task"]["metric"] == "micro_f1"
    for artifact in report["artifacts"]:
        model = tinybert.load(out / artifact["path"])
        score = evaluate(model, model.task.examples(read(data, "eval")))
        for name in ("metric", "metric_low", "metric_high", "metrics"):
            assert artifact[name] == score[name]
    teacher = load_torch(step_of(out, 1) / "model", max_length=32)
    rows = teacher.task.examples(read(data, "eval"))
    assert report["teacher"]["metric"] == evaluate(teacher, rows)["metric"]


def test_stock_transformers_gives_the_same_scores(finished):
    out, _ = finished
    texts = ["a good old film", "dull"]
    stock = pipeline("text-classification", model=str(out / "student"), top_k=None)
    for given, own in zip(stock(texts), load_torch(out / "student")(texts), strict=True):
        scores = {each["label"]: each["score"] for each in given}
        assert scores == pytest.approx(own["scores"], abs=1e-5)


def test_the_program(finished, data, tmp_path, capsys):
    out, _ = finished

    def run(*arguments):
        assert main([*map(str, arguments)]) == 0
        return capsys.readouterr().out

    texts = ["a good old film", "dull", "sad"]
    predictions = tinybert.load(out)(texts)
    lines = run("predict", out, *texts).splitlines()
    for line, prediction in zip(lines, predictions, strict=True):
        scores = prediction["scores"]
        named = [f"{name} {scores[name]:.2f}" for name in prediction["labels"]]
        assert line == (", ".join(named) or "-")
    assert json.loads(run("predict", out, *texts, "--json"))["predictions"] == predictions
    (tmp_path / "texts.jsonl").write_text("\n".join(json.dumps({"text": each}) for each in texts))
    run("predict", out, "--file", tmp_path / "texts.jsonl", "--out", tmp_path / "out.csv")
    table = read(tmp_path / "out.csv")
    assert table.columns["text"] == texts
    assert table.columns["labels"] == ["|".join(each["labels"]) for each in predictions]
    said = run("evaluate", out, "--task", "multi-label-classification", "--data", data)
    assert [line.split()[0] for line in said.splitlines()[:4]] == [
        *("micro_f1", "macro_f1", "subset_accuracy", "lrap"),
    ]
    said = run("info", out)
    assert "multi-label-classification, old, positive, sad" in said
    thresholds = dict(zip(("old", "positive", "sad"), thresholds_of(out), strict=True))
    assert json.loads(run("info", out, "--json"))["task"]["thresholds"] == thresholds
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["task"]["thresholds"] == thresholds
    for page in (said, (out / "README.md").read_text(encoding="utf-8")):
        assert f"from a probability on of: old {thresholds['old']:.4g}, positive" in page
    assert "pipeline_tag: text-classification" in (out / "README.md").read_text()


def test_a_teacher_without_thresholds_is_given_its_best_too(quick_bench, make, stock, tmp_path):
    """Its student would seem the better one otherwise."""
    steps = [{"student": SHAPE}, {"distill": {"max_steps": 2, "batch_size": 8}}]
    report = tinybert.compress(make(teacher=str(stock), steps=steps), tmp_path / "out").report
    assert report["teacher"]["metric"] > 0
    assert max(thresholds_of(tmp_path / "out")) < 0.9
    left = json.loads((stock / "config.json").read_text())
    assert "tinybert" not in left


STEPS = {
    "prune": {"prune": {"heads": 0.5, "neurons": 0.5, "calibration_rows": 16}},
    "prune while it learns": {"prune": {"heads": 0.5, "distill": {"max_steps": 3}}},
    "factorize": {"factorize": {"parts": ["ffn"], "rank": 4}},
    "trim": {"trim-vocabulary": {"size": 150}},
    "augment": {"augment": {}},
    "generate": {"generate": {"rows": 8, "steps": 2, "share": 0.5, "max_tokens": 12}},
    "logits": {"distill": {**SHORT, "prediction_loss": "logits"}},
}


@pytest.mark.parametrize("name", STEPS)
def test_steps_work_on_several_labels(name, make, stock, tmp_path, request):
    step = STEPS[name]
    kind = next(iter(step))
    makes_rows = kind in ("augment", "generate")
    distill = {"distill": {**SHORT, "teachers": [{"model": str(stock)}]}}
    steps = [step, {"student": SHAPE}, distill] if makes_rows else [{"student": SHAPE}, step]
    out = run_until_export(make(teacher=str(stock), steps=steps), tmp_path / "out")
    last = step_of(out, len(steps))
    saved = json.loads((last / "step.json").read_text())
    assert 0 <= saved["metric"] <= 1
    assert len(thresholds_of(last / "model")) == 3


def test_tokens_that_answers_depend_on(make, stock, tmp_path):
    steps = [{"shorten": {"layer": 1, "positions": 8}}]
    out = run_until_export(make(teacher=str(stock), steps=steps), tmp_path / "out")
    assert len(thresholds_of(step_of(out, 1) / "model")) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": {"train": None, "eval": "dev"}, "steps": ["quantize"]}, "name them in data.trai"),
        ({"task": {**TASK, "threshold": "worst"}}, "threshold: expected a number from 0 to 1"),
        ({"task": {**TASK, "label": ["toxic", "rude"]}}, "no column 'toxic'"),
        ({"task": {**TASK, "separator": "|"}}, "row 1: 'labels' is no text"),
        ({"task": {**TASK, "labels": ["sad", "old"]}}, "unknown label 'positive'"),
    ],
)
def test_bad_recipes(make, data, stock, changes, message):
    values = make(teacher=str(stock), **changes)
    if changes.get("data"):
        values["data"]["eval"] = str(data)
    with pytest.raises(InputError, match=message):
        read_inputs(Recipe.from_mapping(values))


def test_thresholds_need_labels(make, data, tmp_path, stock):
    (tmp_path / "train.jsonl").write_text('{"text": "a film"}\n{"text": "dull"}\n')
    given = {"train": str(tmp_path / "train.jsonl"), "eval": str(data), "max_length": 32}
    steps = [{"student": SHAPE}, {"distill": SHORT}]
    with pytest.raises(InputError, match="no column 'labels'"):
        read_inputs(Recipe.from_mapping(make(teacher=str(stock), data=given, steps=steps)))
    task = {**TASK, "threshold": 0.3}
    recipe = make(teacher=str(stock), data=given, steps=steps, task=task)
    inputs = read_inputs(Recipe.from_mapping(recipe))
    assert inputs.train.labels is None
    assert inputs.task.cutoffs.tolist() == [0.3] * 3


def test_columns_of_marks_in_a_recipe(make, tmp_path, stock):
    header = "text,sad,old,positive\n"
    for name in ("train", "dev"):
        (tmp_path / f"{name}.csv").write_text(header + "a film,1,0,1\ndull,0,0,0\n")
    given = {"train": str(tmp_path), "label": ["sad", "old", "positive"], "max_length": 32}
    inputs = read_inputs(Recipe.from_mapping(make(teacher=str(stock), data=given)))
    assert inputs.task.labels == tuple(WORDS)  # as the model's outputs are
    assert inputs.train.labels.tolist() == [[1, 1, 0], [0, 0, 0]]


def test_a_classifier_of_the_same_labels_gets_a_new_head(make, data, tiny_bert_dir, tmp_path):
    config = json.loads((tiny_bert_dir / "config.json").read_text())
    folder = tmp_path / "classes"
    folder.mkdir()
    for file in tiny_bert_dir.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    config["id2label"] = {"0": "old", "1": "sad"}
    (folder / "config.json").write_text(json.dumps(config))
    task = {**TASK, "labels": ["old", "sad", "positive"]}
    inputs = read_inputs(Recipe.from_mapping(make(teacher=str(folder), task=task)))
    assert inputs.task.labels == ("old", "sad", "positive")


def test_outputs_without_names_are_refused(make, stock, tmp_path):
    folder = tmp_path / "unnamed"
    folder.mkdir()
    for file in stock.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    config = json.loads((stock / "config.json").read_text())
    config["id2label"] = {str(index): f"LABEL_{index}" for index in range(3)}
    (folder / "config.json").write_text(json.dumps(config))
    steps = [{"student": SHAPE}, {"distill": SHORT}]
    with pytest.raises(InputError, match="nothing says which of them is which"):
        read_inputs(Recipe.from_mapping(make(teacher=str(folder), steps=steps)))
    task = {**TASK, "labels": list(WORDS)}
    inputs = read_inputs(Recipe.from_mapping(make(teacher=str(folder), steps=steps, task=task)))
    assert inputs.task.labels == tuple(WORDS)
    assert np.asarray(inputs.train.labels).shape[1] == 3
