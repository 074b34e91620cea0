import re
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard

from tinybert.recipe.recipe import Recipe
from tinybert.report.build import build_report
from tinybert.report.card import model_card
from tinybert.tasks import get_task
from tinybert.tasks.registry import KINDS


@pytest.fixture
def card(measurements):
    def make(teacher):
        recipe = Recipe.from_mapping({"teacher": teacher, "task": "glue/sst-2"})
        report = build_report(measurements, get_task("glue/sst-2"), 10, [], recipe.resolved())
        return model_card(report, recipe)

    return make


def test_a_model_of_the_hub_is_the_base(card):
    text = card("sentence-transformers/all-MiniLM-L6-v2")
    assert ModelCard(text).data.to_dict() == {
        "library_name": "tinybert",
        "pipeline_tag": "text-classification",
        "base_model": "sentence-transformers/all-MiniLM-L6-v2",
    }
    assert "\n# sentence-transformers/all-MiniLM-L6-v2, compressed\n" in text


@pytest.mark.parametrize("name", ["my teacher: [v2]", "out", "a#b"])
def test_a_folder_is_named_without_the_path(card, tmp_path, monkeypatch, name):
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    for teacher in (str(tmp_path / name), name, f"{name}/"):
        text = card(teacher)
        header = yaml.safe_load(text.split("---\n")[1])
        assert header == {"library_name": "tinybert", "pipeline_tag": "text-classification"}
        assert ModelCard(text).data.to_dict() == header
        assert f"\n# {name}, compressed\n" in text
        assert str(tmp_path) not in text


def test_the_card_promises_no_package_of_an_index(card):
    assert "pypi.org" not in card("org/name")


TAGS = {
    *("text-classification", "token-classification", "sentence-similarity", "question-answering"),
    "text-generation",
}
"""Those of https://huggingface.co/tasks that our tasks so far are."""

KINDS_AND_OPTIONS = {
    "text-classification": {},
    "text-regression": {},
    "multi-label-classification": {"labels": ["a", "b"]},
    "token-classification": {"labels": ["O", "B-X"]},
    "sentence-embedding": {},
    "question-answering": {},
    "several-tasks": {"tasks": {"a": "text-regression", "b": "text-regression"}},
    "causal-lm": {},
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_hub_knows_the_tag_of_every_task(measurements, kind):
    task = get_task({"kind": kind, **KINDS_AND_OPTIONS[kind]})
    report = build_report(measurements, task, 10, [], {})
    text = model_card(report, Recipe.from_mapping({"teacher": "org/name", "task": kind}))
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["pipeline_tag"] in TAGS
    assert text.startswith("---\n")
    assert text.split("---\n")[2].startswith("\n# ")
    assert f"for {kind}." in text


@pytest.mark.parametrize("teacher", ["/home/me/teacher", "~/teacher", "/srv/a b/c.d/", "//x/y"])
def test_no_path_of_this_machine_is_on_the_card(measurements, teacher):
    values = {
        "teacher": teacher,
        "task": "glue/sst-2",
        "data": {"train": "/home/me/train.tsv", "unlabeled": ["/home/me/*.txt"]},
        "steps": [{"student": {"init": "/home/me/start"}}, {"trim-vocabulary": {}}],
    }
    recipe = Recipe.from_mapping(values)
    report = build_report(measurements, get_task("glue/sst-2"), 10, [], recipe.resolved())
    text = model_card(report, recipe)
    assert not re.findall(r"(?<![\w.])[/~]+[\w.]\S*", text)
    assert "me/" not in text
    assert Path(teacher).name in text


def test_the_card_has_the_figures_of_the_best_and_code_that_is_python(card):
    text = card("org/name")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    compile(code, "README.md", "exec")
    assert "`onnx/model_quantized.onnx` is the best artifact" in text
    assert "1.00 MB (8.0x smaller)" in text
