"""The settings of the step: what they come to, and what is refused before anything runs."""

from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from tinybert.base.errors import InputError, PlacedError
from tinybert.recipe.recipe import Recipe
from tinybert.steps.augment.config import AugmentConfig
from tinybert.steps.augment.methods.registry import METHODS
from tinybert.tasks import get_task


def config_of(settings):
    values = {"teacher": "t", "task": "text-classification", "steps": [{"augment": settings}]}
    return Recipe.from_mapping(values).steps[0].config


def materials(task="text-classification", teacher="none"):
    return SimpleNamespace(task=get_task(task), train=None, teacher=teacher)


def test_every_method_has_settings_of_its_own():
    assert set(METHODS) == {"words", "synonyms", "masked-lm", "back-translation"}
    for name, method in METHODS.items():
        assert config_of({"with": [name]}).methods == [method()]
        assert method.__doc__


def test_as_it_was():
    config = config_of({"copies": 3})
    assert [(method.name, copies) for method, copies in config.work] == [("words", 3)]
    assert config == AugmentConfig(copies=3)
    assert AugmentConfig().rows_after(100) == 400


def test_copies_are_of_each_method():
    chosen = ["synonyms", "masked-lm"]
    assert config_of({"with": chosen}).rows_after(10) == 10 * (1 + 3 + 20)
    assert config_of({"with": chosen, "copies": 2}).rows_after(10) == 50


def test_nested_settings_come_back_from_a_recipe():
    config = config_of({"with": ["masked-lm"], "masked_lm": {"candidates": 5}})
    (method,) = config.methods
    assert (method.candidates, method.probability) == (5, 0.4)
    assert config_of(config.model_dump()) == config
    assert config_of(config.effective()) == config


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"with": ["words", "poems"]}, r"steps\.0\.augment\.with\.1: input should be 'words', 'sy"),
        ({"with": []}, r"augment\.with: list should have at least 1 item"),
        ({"with": ["words", "words"]}, r"augment\.with: words is there twice"),
        ({"masked_lm": {"top": 3}}, r"augment\.masked_lm\.top: unknown key; known: model, prob"),
        ({"masked_lm": {"probability": 2.0}}, r"masked_lm\.probability: input should be less"),
        ({"back_translation": {"temperature": -1.0}}, r"back_translation\.temperature: input sh"),
        ({"rules": [{"pattern": "(", "label": "x"}]}, r"rules\.0\.pattern: '\(' is no regular"),
        ({"rules": [{"label": "x"}]}, r"rules\.0\.pattern: is missing"),
        ({"rules": [{"pattern": "a", "keep": True}]}, r"rules\.0\.keep: unknown key"),
        ({"copies": 0}, "copies: input should be greater than 0"),
    ],
)
def test_what_cannot_be_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        config_of(settings)


def test_settings_of_a_method_that_is_not_taken_are_told():
    config = AugmentConfig(synonyms={"share": 0.2})
    assert config.unused_options() == {"synonyms": "synonyms is not in `with`"}
    with pytest.raises(ValidationError):
        AugmentConfig(synonyms={"sharing": 0.2})


def test_rules_with_labels_are_refused_in_a_recipe():
    rules = [{"pattern": "mg"}, {"pattern": "refund", "label": "complaint"}]
    with pytest.raises(PlacedError, match="rules label no texts of a recipe") as caught:
        AugmentConfig(rules=rules).read(materials())
    assert caught.value.place == ("rules", 1, "label")


def test_files_count(tmp_path, tiny_wordnet):
    (tmp_path / "terms.txt").write_text("film\n", encoding="utf-8")
    (tmp_path / "words.txt").write_text("film, movie\n", encoding="utf-8")
    settings = {"with": ["synonyms"], "protect": [str(tmp_path / "terms.txt")]}
    config = AugmentConfig(**settings, synonyms={"source": str(tmp_path / "words.txt")})
    before = config.read(materials())
    assert before == config.read(materials())
    (tmp_path / "words.txt").write_text("film, picture\n", encoding="utf-8")
    changed = config.read(materials())
    (tmp_path / "terms.txt").write_text("movie\n", encoding="utf-8")
    assert before != changed != config.read(materials()) != before
    with pytest.raises(PlacedError) as caught:
        AugmentConfig(**{"with": ["synonyms"]}, synonyms={"source": "none"}).read(materials())
    assert caught.value.place == ("synonyms", "source")


def test_of_the_teacher_or_another(tiny_bert_dir, tiny_masked_lm):
    config = AugmentConfig(**{"with": ["masked-lm"]})
    assert config.read(materials(teacher=str(tiny_masked_lm)))
    with pytest.raises(PlacedError, match=r"name another by masked_lm\.model") as caught:
        config.read(materials(teacher=str(tiny_bert_dir)))
    assert caught.value.place == ("masked_lm",)
    other = AugmentConfig(**{"with": ["masked-lm"]}, masked_lm={"model": str(tiny_masked_lm)})
    assert other.read(materials(teacher=str(tiny_bert_dir)))


def test_labels_of_words_keep_their_places():
    with pytest.raises(PlacedError, match="back-translation writes texts anew") as caught:
        AugmentConfig(**{"with": ["back-translation"]}).read(materials("token-classification"))
    assert caught.value.place == ("with", 0)
