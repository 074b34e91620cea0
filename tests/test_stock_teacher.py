"""Teachers that were made elsewhere: their config.json and tokenizer know nothing of the recipe."""

import json
import shutil

import pytest

import tinybert
from tinybert.base.errors import InputError
from tinybert.cli.main import main
from tinybert.data import read
from tinybert.measure.evaluate import evaluate
from tinybert.modeling.load import load_model
from tinybert.modeling.torch_model import load_torch
from tinybert.recipe.inputs import read_inputs
from tinybert.recipe.recipe import Recipe
from tinybert.tasks import get_task


@pytest.fixture
def long_rows(tmp_path):
    """Some with more tokens than the recipe's max_length, fewer than the tokenizer's."""
    text = "a great film and a dull story of the man who sat on the mat with an old guitar"
    words = text.split()
    rows = [
        {"sentence": " ".join(words[:length]), "label": ("negative", "positive")[length % 2]}
        for length in range(2, 18)
    ]
    path = tmp_path / "long.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def test_teacher_student_and_artifacts_are_scored_by_the_recipes_metrics(
    quick_bench, recipe, tmp_path, tiny_bert_dir
):
    task = {"kind": "text-classification", "metrics": ["matthews", "f1"]}
    changed = recipe(task=task, steps=recipe()["steps"][1:])
    report = tinybert.compress(changed, tmp_path / "out").report
    assert list(report["teacher"]["metrics"]) == ["matthews", "f1"]
    assert all(list(each["metrics"]) == ["matthews", "f1"] for each in report["artifacts"])
    model = load_torch(tiny_bert_dir, max_length=32)
    assert model.task.metrics == ("accuracy",)
    task = get_task(task, model.task)
    expected = evaluate(model, task.examples(read(changed["data"]["eval"], "eval")), task)
    assert report["teacher"]["metric"] == expected["metric"]


def test_the_program_evaluates_by_the_task_that_was_asked_for(tiny_bert_dir, tmp_path, capsys):
    folder = shutil.copytree(tiny_bert_dir, tmp_path / "stock")
    config = json.loads((folder / "config.json").read_text())
    config |= {"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}
    config |= {"label2id": {"LABEL_0": 0, "LABEL_1": 1}}
    (folder / "config.json").write_text(json.dumps(config))
    data = tmp_path / "dev.jsonl"
    rows = [{"sentence": "a film", "label": 0}, {"sentence": "a dull film", "label": 1}]
    data.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert (
        main(["evaluate", str(folder), "--task", "glue/cola", "--data", str(data), "--json"]) == 0
    )
    score = json.loads(capsys.readouterr().out)
    assert score["metric"] == "matthews"
    assert score["metrics"]["matthews"] == score["value"]


def test_texts_are_cut_alike_everywhere(quick_bench, recipe, long_rows, tmp_path):
    """Where no step makes the model, so that its tokenizer is still the given one."""
    data = {"eval": str(long_rows), "max_length": 8}
    out = tmp_path / "out"
    report = tinybert.compress(recipe(steps=["quantize"], data=data), out).report
    fp32 = report["artifacts"][0]
    assert fp32["parity"]["max_abs_diff"] < 1e-3
    assert report["teacher"]["metrics"] == fp32["metrics"]
    assert load_torch(out / "student").encoder.max_length == 8


@pytest.mark.parametrize("labels", [[None], ["positive"], ["other", "negative"]])
def test_labels_that_no_step_needs_may_be_anything(recipe, tmp_path, labels):
    rows = [{"sentence": f"a film {at}", "label": labels[at % len(labels)]} for at in range(8)]
    train = tmp_path / "train.jsonl"
    train.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    changed = recipe(steps=recipe()["steps"][1:])
    changed["data"] = changed["data"] | {"train": str(train)}
    found = read_inputs(Recipe.from_mapping(changed))
    assert found.train.labels is None
    assert len(found.train) == 8
    changed["steps"] = recipe()["steps"]
    with pytest.raises(InputError, match=r"train\.jsonl"):
        read_inputs(Recipe.from_mapping(changed))


def test_fine_tuning_gives_another_tasks_classifier_a_new_head(recipe, tmp_path, caplog):
    """As one that was trained on MNLI has three labels, and is a good start for two."""
    changed = recipe()
    folder = shutil.copytree(changed["teacher"], tmp_path / "teacher")
    config = json.loads((folder / "config.json").read_text())
    config |= {"id2label": {"0": "cat", "1": "dog"}, "label2id": {"cat": 0, "dog": 1}}
    config |= {"architectures": ["BertForSequenceClassification"]}
    (folder / "config.json").write_text(json.dumps(config))
    changed["teacher"] = str(folder)
    assert list(changed["steps"][0]) == ["finetune"]
    found = read_inputs(Recipe.from_mapping(changed))
    assert found.task.model_config()["id2label"] == {0: "negative", 1: "positive"}
    assert "`finetune` trains a new head" in caplog.text
    heads = [load_model(folder, found.task, new_head=True).classifier.weight for _ in range(2)]
    assert not heads[0].equal(heads[1]), "drawn anew each time"
    changed["steps"] = changed["steps"][1:]
    with pytest.raises(InputError, match="known: cat, dog"):
        read_inputs(Recipe.from_mapping(changed))


def test_options_without_effect_are_named(recipe, caplog):
    changed = recipe()
    changed["steps"] = [
        {"student": {"init": "random", "mapping": "top"}},
        {"distill": {"mapping": "last", "attention_loss": "scores"}},
        {"quantize": {"method": "qat", "distill": {"relation_heads": 4}}},
    ]
    read_inputs(Recipe.from_mapping(changed))
    for option in (
        "steps.0.student.mapping",
        "steps.1.distill.mapping",
        "steps.1.distill.attention_loss",
        "steps.2.quantize.distill.relation_heads",
    ):
        assert f"{option} has no effect" in caplog.text
    assert caplog.text.count("has no effect") == 4
