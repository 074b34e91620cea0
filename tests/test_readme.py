import re
import shutil
from pathlib import Path

import pytest
import yaml

from tinybert.cli.main import main
from tinybert.distillation.config import DistillConfig
from tinybert.recipe.recipe import Recipe

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_recipe_is_one():
    recipe = Recipe.from_mapping(yaml.safe_load(blocks("yaml")[0]))
    assert [step.name for step in recipe.steps] == ["finetune", "student", "distill", "quantize"]


def test_the_settings_of_distillation_are_its_defaults():
    (step,) = yaml.safe_load(blocks("yaml")[1])
    assert DistillConfig(**step["distill"]) == DistillConfig()


def test_the_steps_that_make_it_smaller_go_together():
    (steps,) = (yaml.safe_load(block) for block in blocks("yaml") if "factorize" in block)
    recipe = Recipe.from_mapping({"teacher": "t", "task": "glue/sst-2"} | steps)
    assert len(recipe.steps) == 6


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/*.yaml")), ids=lambda path: path.name)
def test_the_examples_are_recipes(path):
    assert Recipe.read(path).steps


def test_the_result_runs_as_shown(tiny_artifact_dir, tmp_path, monkeypatch, capsys):
    shutil.copytree(tiny_artifact_dir, tmp_path / "out")
    monkeypatch.chdir(tmp_path)
    (loading,) = (code for code in blocks("python") if "tinybert.load" in code)
    exec(compile(loading, "README.md", "exec"), {})
    assert re.fullmatch(r"((negative|positive) 0\.\d+\n){2}", capsys.readouterr().out)


def test_every_command_is_in_the_table(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = re.findall(r"^    ([a-z]+) ", capsys.readouterr().out, re.MULTILINE)
    assert commands == re.findall(r"^\| `tinybert ([a-z]+)", README, re.MULTILINE)
