import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from tinybert.cli.main import main
from tinybert.distillation.config import DistillConfig
from tinybert.formats.load import open_artifact
from tinybert.recipe.recipe import Recipe
from tinybert.steps.registry import STEPS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language, page=README):
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_the_recipe_is_one():
    recipe = Recipe.from_mapping(yaml.safe_load(blocks("yaml")[0]))
    assert [step.name for step in recipe.steps] == ["finetune", "student", "distill", "quantize"]


def test_the_first_screen_is_proof_and_a_way_in():
    """What it is, figures, install, two commands, one, a recipe: in this order and short."""
    first = README[: README.index("## Predict")]
    titles = re.findall(r"^## (.*)$", first, re.MULTILINE)
    assert titles == ["Install", "Two commands", "Your model, your rows", "A recipe"]
    rows = [line for line in first.splitlines() if line.startswith("| [")]
    assert [re.match(r"\| \[(\w+)\]", row)[1] for row in rows] == [
        "smallest",
        "balanced",
        "fastest",
    ]
    assert README.count("\n") <= 215


def figures(row):
    """The numbers of a row, without those of its links."""
    text = re.sub(r"\(.*?\)|`.*?`", "", row)
    return re.findall(r"\d+(?:\.\d+)?", text)


@pytest.mark.parametrize("row", [line for line in README.splitlines() if line.startswith("| [")])
def test_the_figures_are_those_of_the_results(row):
    pages = re.findall(r"\((benchmarks/results/.*?)\)", row)
    pages += ["benchmarks/results/glue.md"]
    text = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in pages)
    found = {float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)}
    assert figures(row)
    assert {float(number) for number in figures(row)} <= found


def test_every_step_is_in_the_table():
    rows = re.findall(r"^\| `([a-z-]+)` \|", README, re.MULTILINE)
    assert set(STEPS) <= set(rows)


STEPS_PAGE = (ROOT / "docs" / "steps.md").read_text(encoding="utf-8")


def test_the_settings_of_distillation_are_its_defaults():
    (block,) = (each for each in blocks("yaml", STEPS_PAGE) if "teachers:" in each)
    settings = yaml.safe_load(block)[1]["distill"]
    assert DistillConfig(**settings) == DistillConfig()


def test_the_result_runs_as_shown(tiny_artifact_dir, tmp_path, monkeypatch, capsys):
    shutil.copytree(tiny_artifact_dir, tmp_path / "out")
    monkeypatch.chdir(tmp_path)
    (loading,) = (code for code in blocks("python") if "tinybert.load" in code)
    exec(compile(loading, "README.md", "exec"), {})
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    file = open_artifact(tiny_artifact_dir / "onnx/model_quantized.onnx", 1)  # the best
    powers = np.exp(np.concatenate([file.logits([text]) for text in ("a great film", "dull")]))
    best = powers.argmax(axis=1)
    assert [label for label, _ in printed] == [("negative", "positive")[each] for each in best]
    shares = powers.max(axis=1) / powers.sum(axis=1)
    assert [float(score) for _, score in printed] == pytest.approx(shares, abs=0.05)  # of a batch


def test_every_command_is_in_the_table(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = re.findall(r"^    ([a-z]+)(?: |$)", capsys.readouterr().out, re.MULTILINE)
    assert commands == re.findall(r"^\| `tinybert ([a-z]+)", README, re.MULTILINE)
