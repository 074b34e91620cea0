"""Chosen thresholds are the best that there are, by trying all of them."""

from itertools import product

import numpy as np
import pytest

from tinybert.base.errors import InputError
from tinybert.tasks.label_set_metrics import LABEL_SET_METRICS
from tinybert.tasks.thresholds import (
    best_threshold,
    best_thresholds,
    read_thresholds,
    sigmoid,
)

GOALS = ("micro_f1", "macro_f1")


def rows_of(seed, rows=12, labels=3, ties=True):
    dice = np.random.default_rng(seed)
    right = dice.random((rows, labels)) < 0.4
    scores = dice.random((rows, labels)) * 0.7 + 0.2 * right
    return (scores.round(1) if ties else scores), right


def cuts_of(scores):
    """A threshold below each score, and one above all."""
    return [*np.unique(scores), 1.1]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("goal", GOALS)
def test_one_for_all_is_the_best_of_all(seed, ties, goal):
    scores, right = rows_of(seed, ties=ties)
    metric = LABEL_SET_METRICS[goal]
    best = max(metric(scores >= cut, right) for cut in cuts_of(scores))
    assert metric(scores >= best_threshold(scores, right, goal), right) == pytest.approx(best)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("goal", GOALS)
def test_one_a_label_are_the_best_of_all(seed, ties, goal):
    scores, right = rows_of(seed, rows=7, ties=ties)
    metric = LABEL_SET_METRICS[goal]
    tried = product(*(cuts_of(scores[:, label]) for label in range(3)))
    best = max(metric(scores >= np.array(cuts), right) for cuts in tried)
    chosen = best_thresholds(scores, right, goal)
    assert chosen.shape == (3,)
    assert metric(scores >= chosen, right) == pytest.approx(best)


@pytest.mark.parametrize("goal", GOALS)
def test_a_label_that_no_row_has_is_not_given(goal):
    scores, right = rows_of(0)
    right[:, 1] = False
    assert not (scores >= best_thresholds(scores, right, goal))[:, 1].any()


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("choose", [best_threshold, best_thresholds])
def test_rows_without_labels_get_none(choose, goal):
    scores, right = rows_of(0)
    chosen = choose(scores, np.zeros_like(right), goal)
    assert not (scores >= chosen).any()
    assert np.all(np.asarray(chosen) <= 1)


def test_a_threshold_lies_midway():
    scores, right = np.array([[0.9], [0.8], [0.2]]), np.array([[1], [1], [0]])
    assert best_threshold(scores, right) == 0.5
    assert best_thresholds(scores, right).tolist() == [0.5]


def test_neighbouring_numbers_are_told_apart():
    """No number lies between them: the threshold is the upper one."""
    low = 0.25
    high = np.nextafter(low, 1.0)
    scores, right = np.array([[high], [low]]), np.array([[1], [0]])
    assert (scores >= best_threshold(scores, right)).ravel().tolist() == [True, False]


def test_sigmoids_keep_the_order_of_logits():
    logits = np.array([-1000, -50, -3, 0, 3, 30, 1000], np.float32)
    scores = sigmoid(logits)
    assert (np.diff(scores) > 0).all()
    assert scores[3] == 0.5
    assert sigmoid(3.0) + sigmoid(-3.0) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "values", [[0.5], [0.5, "x"], [0.5, 1.5], "half", [True, False], [0.5] * 3]
)
def test_damaged_thresholds_are_refused(values):
    with pytest.raises(InputError, match=r"config\.json.*'thresholds' is damaged"):
        read_thresholds({"thresholds": values}, 2)
