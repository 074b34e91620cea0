import pytest
import yaml
from huggingface_hub import ModelCard

from tinybert.recipe.recipe import Recipe
from tinybert.report.build import build_report
from tinybert.report.card import model_card
from tinybert.tasks import get_task


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
