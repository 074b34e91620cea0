"""TF-IDF with a linear model on the rows of a recipe."""

import random

import numpy as np
import pytest

from tinybert.measure.baseline import baseline
from tinybert.tasks import get_task
from tinybert.tasks.rows import Examples

NAMES = ["music", "sport", "market"]
WORDS = {name: [f"{name}{number}" for number in range(5)] for name in NAMES}


def texts_of(names, seed):
    """Texts in which each name is to be seen, among words that say nothing."""
    dice = random.Random(seed)
    return [
        " ".join([*(dice.choice(WORDS[name]) for name in each), *dice.choices("abcdefgh", k=6)])
        for each in names
    ]


def sets(count, seed):
    dice = random.Random(seed)
    return [dice.sample(NAMES, dice.randint(0, 2)) for _ in range(count)]


def test_classes():
    task = get_task({"kind": "text-classification", "labels": [*NAMES, "never"]})
    parts = []
    for count, seed in ((300, 0), (100, 1)):
        labels = np.random.default_rng(seed).integers(0, 3, count)
        texts = texts_of([[NAMES[label]] for label in labels], seed)
        parts.append(Examples.of_texts(texts, labels, "rows"))
    found = baseline(task, *parts)
    assert found["train_rows"] == 300
    assert found["metric"] > 0.95
    assert found["metric_low"] <= found["metric"] <= found["metric_high"]


@pytest.mark.parametrize(("threshold", "rows"), [(0.5, 300), ("best", 240)])
def test_sets_of_labels(threshold, rows):
    spec = {"kind": "multi-label-classification", "labels": NAMES, "threshold": threshold}
    parts = []
    for count, seed in ((300, 0), (100, 1)):
        names = sets(count, seed)
        labels = np.array([[name in each for name in NAMES] for each in names], np.float32)
        parts.append(Examples.of_texts(texts_of(names, seed), labels, "rows"))
    found = baseline(get_task(spec), *parts)
    assert found["train_rows"] == rows
    assert found["metrics"]["micro_f1"] > 0.9


def test_numbers_and_pairs():
    task = get_task({"kind": "text-regression", "text": ["a", "b"]})
    parts = []
    for count, seed in ((300, 0), (100, 1)):
        names = sets(count, seed)
        texts = texts_of(names, seed)
        labels = np.array([len(each) for each in names], np.float32)
        parts.append(Examples.of_texts([("same", text) for text in texts], labels, "rows"))
    assert baseline(task, *parts)["metric"] > 0.8


def test_where_there_is_none():
    task = get_task({"kind": "text-classification", "labels": NAMES})
    rows = Examples.of_texts(["a"], np.array([0]), "rows")
    assert baseline(task, None, rows) is None
    assert baseline(task, Examples.of_texts(["a"], None, "rows"), rows) is None
    entities = np.empty(1, object)
    assert baseline(task, Examples.of_texts(["a"], entities, "rows"), rows) is None


def test_rows_of_one_class_only():
    task = get_task({"kind": "text-classification", "labels": NAMES})
    rows = Examples.of_texts(["a film", "b"], np.array([1, 1]), "rows")
    assert baseline(task, rows, rows)["metric"] == 1
