import random
from dataclasses import replace

import pytest
import torch

from tinybert.base.errors import InputError
from tinybert.recipe.inputs import read_inputs
from tinybert.recipe.recipe import Recipe
from tinybert.steps.add_texts.config import AddTextsConfig
from tinybert.steps.add_texts.step import add_texts, draw
from tinybert.tasks.task import Examples

TEXTS = ["a good film", "a bad film"]


@pytest.fixture
def texts_of(tiny_context, tmp_path):
    def make(corpus, measured_on=(), seed=0, **settings):
        path = tmp_path / "corpus.txt"
        path.write_text("\n".join(corpus), encoding="utf-8")
        context = replace(
            tiny_context(),
            train=Examples.of_texts(TEXTS, None, "test"),
            unlabeled=(str(path),),
            measured_on=frozenset(measured_on),
            seed=seed,
        )
        return add_texts(AddTextsConfig(**settings), torch.nn.Module(), context)

    return make


def test_the_texts_and_others(texts_of):
    assert texts_of(["one", "two", "a bad film", "one"]) == [*TEXTS, "one", "two"]


def test_no_more_than_asked_from_the_whole_corpus(texts_of):
    corpus = [str(number) for number in range(1000)]
    drawn = texts_of(corpus, per_row=100)[2:]
    assert len({*drawn}) == 200
    assert drawn == sorted(drawn, key=int)
    assert 30 < sum(int(text) < 250 for text in drawn) < 70
    assert texts_of(corpus, per_row=100)[2:] == drawn != texts_of(corpus, per_row=100, seed=1)[2:]


def test_nothing_that_is_measured_on(texts_of):
    assert texts_of(["one", "two"], measured_on=["two"]) == [*TEXTS, "one"]
    with pytest.raises(InputError, match="no text that is not one of the rows"):
        texts_of(["two", *TEXTS], measured_on=["two"])


def test_every_text_has_the_same_chance():
    counts = dict.fromkeys("abcdefgh", 0)
    for seed in range(400):
        for text in draw("abcdefgh", 2, (), random.Random(seed)):
            counts[text] += 1
    assert all(70 < count < 130 for count in counts.values())


def test_without_a_corpus_it_is_refused(tiny_bert_dir, tmp_path):
    rows = tmp_path / "rows.csv"
    lines = [f"text {number},{('negative', 'positive')[number % 2]}" for number in range(300)]
    rows.write_text("\n".join(["text,label", *lines]), encoding="utf-8")
    recipe = {
        "teacher": str(tiny_bert_dir),
        "task": "text-classification",
        "data": {"train": str(rows), "eval": "30%", "text": "text", "label": "label"},
        "steps": [
            {"add-texts": {}},
            {
                "student": {
                    "layers": 1,
                    "hidden_size": 32,
                    "attention_heads": 4,
                    "intermediate_size": 32,
                }
            },
            {"distill": {}},
        ],
    }
    with pytest.raises(InputError, match=r"data\.unlabeled"):
        read_inputs(Recipe.from_mapping(recipe))
