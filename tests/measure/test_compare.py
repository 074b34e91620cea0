"""Two models on the same rows."""

import numpy as np
import pytest

from tinybert.measure.compare import compare
from tinybert.measure.held_out import MOST_ROWS, hold_out
from tinybert.tasks import get_task
from tinybert.tasks.outputs import Outputs
from tinybert.tasks.task import Examples

CLASSES = {"kind": "text-classification", "labels": ["no", "yes"]}


def logits(answers):
    return Outputs({"logits": np.eye(2, dtype=np.float32)[answers]})


@pytest.fixture
def sides():
    """Labels, and the answers of a model and of its base: 90% right, 2% of the rows differ."""
    dice = np.random.default_rng(0)
    labels = dice.integers(0, 2, 1000)
    base = np.where(dice.random(1000) < 0.9, labels, 1 - labels)
    return labels, np.where(dice.random(1000) < 0.98, base, 1 - base), base


def test_pairs_are_surer_than_either_metric(sides):
    labels, ours, base = sides
    found = compare(get_task(CLASSES), logits(ours), logits(base), labels)
    assert (found["rows"], found["metric"]) == (1000, "accuracy")
    assert found["value"] == np.mean(ours == labels)
    assert found["retention"] == pytest.approx(found["value"] / found["base"])
    assert found["retention_low"] < found["retention"] < found["retention_high"]
    assert found["retention_high"] - found["retention_low"] < 0.025
    assert found["margin"] == pytest.approx(found["value"] - 0.98 * found["base"])
    assert found["margin_low"] < found["margin"] < found["margin_high"]


@pytest.mark.parametrize("metric", ["f1", "matthews", "macro_f1"])
def test_it_is_the_tasks_own_metric(sides, metric):
    labels, ours, base = sides
    task = get_task(CLASSES | {"metrics": [metric]})
    found = compare(task, logits(ours), logits(base), labels)
    assert found["metric"] == metric
    assert found["value"] == task.score(logits(ours), labels)[metric]


def test_of_values(sides):
    values = np.random.default_rng(1).normal(size=(300, 1)).astype(np.float32)
    outputs, shifted = Outputs({"logits": values}), Outputs({"logits": values + 1})
    found = compare(get_task("text-regression"), outputs, shifted, values[:, 0])
    assert found["metric"] == "spearman"
    assert found["retention"] == found["retention_low"] == found["retention_high"] == 1


def test_a_base_that_may_know_nothing_has_no_share(sides):
    """As a CoLA student of a weak teacher: a ratio to about 0 may be anything, and negative."""
    labels = sides[0][:100]
    task = get_task(CLASSES | {"metrics": ["matthews"]})
    guesses = np.random.default_rng(2).integers(0, 2, (2, 100))
    found = compare(task, logits(guesses[0]), logits(guesses[1]), labels)
    assert found["retention"] is found["retention_low"] is found["retention_high"] is None
    assert found["margin_low"] < found["margin"] < found["margin_high"]


def test_a_worse_one_is_below_whatever_the_sign(sides):
    labels = sides[0]
    task = get_task(CLASSES | {"metrics": ["matthews"]})
    wrong = np.where(np.random.default_rng(3).random(1000) < 0.4, labels, 1 - labels)
    found = compare(task, logits(1 - labels), logits(wrong), labels)
    assert found["value"] < found["base"] < 0
    assert found["margin_high"] < 0
    assert compare(task, logits(wrong), logits(wrong), labels)["margin_low"] > 0


def test_without_labels_answers_are_compared(sides):
    _, ours, base = sides
    found = compare(get_task(CLASSES), logits(ours), logits(base), None)
    assert found["metric"] == "agreement"
    assert (found["value"], found["base"]) == (np.mean(ours == base), 1)
    assert found["retention"] == found["value"]


def test_rows_that_were_measured_on_are_not_held_out():
    texts = [f"text {number}" for number in range(2000)]
    rows = Examples.of_texts(texts, np.arange(2000), "rows")
    held = hold_out(rows, texts[:1700], seed=3)
    assert len(held) == 300
    assert not set(held.texts) & set(texts[:1700])
    assert [texts[label] for label in held.labels] == held.texts
    assert len(hold_out(rows, [], seed=3)) == MOST_ROWS
    assert hold_out(rows, [], seed=3).texts == hold_out(rows, [], seed=3).texts
    assert hold_out(rows, [], seed=3).texts != hold_out(rows, [], seed=4).texts
    assert len(hold_out(rows, texts, seed=3)) == 0


def test_of_an_error_less_is_more():
    """A model with half its base's error has 200% of it, and one with twice as much has lost."""
    task = get_task({"kind": "text-regression", "metrics": "mse"})
    dice = np.random.default_rng(3)
    labels, errors = dice.normal(size=500), dice.normal(size=500)
    small, large = (
        Outputs({"logits": (labels + scale * errors)[:, None]}) for scale in (0.5**0.5, 1.0)
    )
    better, worse = compare(task, small, large, labels), compare(task, large, small, labels)
    assert better["retention"] == pytest.approx(2.0)
    assert better["margin_low"] > 0
    assert worse["retention"] == pytest.approx(0.5)
    assert worse["margin_high"] < 0
    same = compare(task, large, large, labels)
    assert same["retention_low"] == same["retention_high"] == 1
    assert same["margin_low"] > 0
