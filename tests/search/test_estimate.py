"""What a recipe comes to is told before it runs."""

import json

import pytest
from tests.tiny_models import tiny_model_dir

import tinybert
from tinybert.cli.main import main
from tinybert.recipe.inputs import read_inputs
from tinybert.recipe.recipe import Recipe
from tinybert.search.estimate import estimate


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, searched_rows):
    train, dev = map(str, searched_rows)
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 256}
    teacher = tiny_model_dir("bert", tmp_path_factory.mktemp("teacher") / "bert", **sizes)
    return {
        "teacher": str(teacher),
        "task": "text-classification",
        "data": {"train": train, "eval": dev, "text": "text", "label": "label", "max_length": 24},
        "steps": [
            {"finetune": {"epochs": 1}},
            {"augment": {"copies": 2}},
            {
                "student": {
                    **{"layers": 1, "hidden_size": 64, "attention_heads": 4},
                    "intermediate_size": 128,
                }
            },
            {"distill": {"epochs": 1}},
            {"quantize": {"method": "dynamic"}},
        ],
    }


def test_sizes_are_those_of_the_files(recipe, tmp_path):
    checked = Recipe.from_mapping(recipe)
    found = estimate(checked, read_inputs(checked))
    assert (found.train_rows, found.eval_rows, found.classes) == (400, 60, 2)
    report = tinybert.compress(recipe, tmp_path / "out").report
    for artifact in report["artifacts"]:
        # Without what describes the graph, which is most of so small a file.
        deployed = artifact["bytes_deployed"] / 1e6
        assert deployed - 0.1 < found.megabytes[artifact["path"]] < deployed
    names = [name for name, _ in found.seconds]
    assert names == ["finetune", "augment", "student", "distill", "export and measure"]
    known = dict(found.seconds)
    assert known["finetune"] > 0
    assert known["distill"] > 0
    assert known["augment"] is None


def test_more_rows_and_epochs_take_longer(recipe):
    def seconds(**distill):
        steps = [*recipe["steps"][:3], {"distill": {"epochs": 1, **distill}}]
        checked = Recipe.from_mapping({**recipe, "steps": steps})
        return dict(estimate(checked, read_inputs(checked)).seconds)["distill"]

    assert seconds(epochs=50) > seconds()


def test_a_dry_run_says_it(recipe, tmp_path, capsys):
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(recipe))
    assert main(["compress", str(path), "--dry-run", "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr()
    assert "400 training rows, 60 evaluation rows, 2 classes" in printed.err
    assert "training: 400 rows (" in printed.err
    assert "tokens in the median" in printed.err
    assert "MB with its tokenizer: onnx/model_quantized.onnx" in printed.err
    assert "minutes: finetune" in printed.err
    assert printed.out.startswith("teacher: ")
    assert not (tmp_path / "out").exists()


def test_a_preset_is_a_budget_and_formats(recipe, tmp_path, capsys):
    out = tmp_path / "out"
    path = tmp_path / "recipe.json"
    steps = [*recipe["steps"][:1], {"student": {}}, {"distill": {}}]
    path.write_text(json.dumps({**recipe, "steps": steps}))
    command = ["compress", str(path), "--for", "server", "--max-latency", "90ms", "--dry-run"]
    assert main([*command, "--length", "16", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "latency: 90ms" in printed
    assert "drop: 1%" in printed


def test_a_tuned_search_is_planned(recipe, tmp_path, capsys):
    """Settings of a section within a step too: qat's own learning rate."""
    path = tmp_path / "recipe.json"
    steps = [{"student": {}}, {"distill": {}}, {"quantize": {"method": "qat"}}]
    steps = [*recipe["steps"][:1], *steps]
    path.write_text(json.dumps({**recipe, "steps": steps}))
    command = ["compress", str(path), "--max-size", "5MB", "--tune", "--dry-run"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    assert "candidates looked at fit; 45 minutes are allowed" in capsys.readouterr().err
