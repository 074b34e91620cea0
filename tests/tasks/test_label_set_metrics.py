"""Metrics of label sets against scikit-learn: ties, empty rows, labels that no row has."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from tinybert.tasks.label_set_metrics import (
    LABEL_SET_METRICS,
    lrap,
    macro_f1,
    micro_f1,
    subset_accuracy,
)


def f1_of(average):
    return lambda right, given: sklearn_metrics.f1_score(
        right, given, average=average, zero_division=0
    )


REFERENCES = {
    micro_f1: f1_of("micro"),
    macro_f1: f1_of("macro"),
    subset_accuracy: sklearn_metrics.accuracy_score,
    lrap: sklearn_metrics.label_ranking_average_precision_score,
}
"""Each takes labels first."""


def rows_of(seed, labels, share, seen):
    """Scores with many ties and label sets of a share of the labels, of which some occur."""
    dice = np.random.default_rng(seed)
    right = dice.random((60, labels)) < share
    right[:, int(np.ceil(seen * labels)) :] = False
    scores = (dice.random((60, labels)) + 0.5 * right).round(1)
    return scores, right


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("labels", [2, 3, 28])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("seen", [0.5, 1.0])
@pytest.mark.parametrize("metric", REFERENCES)
def test_it_is_scikit_learns(metric, seed, labels, share, seen):
    scores, right = rows_of(seed, labels, share, seen)
    given = scores if metric is lrap else scores >= 0.7
    expected = REFERENCES[metric](right.astype(int), given if metric is lrap else given.astype(int))
    assert metric(given, right) == pytest.approx(expected, abs=1e-9)
    assert metric(given, right.astype(np.float32)) == metric(given, right)


@pytest.mark.parametrize("metric", LABEL_SET_METRICS.values(), ids=LABEL_SET_METRICS)
def test_all_right_is_1_and_no_row_is_an_error(metric):
    right = np.eye(3)
    assert metric(right, right) == 1.0
    with pytest.raises(ValueError, match="must be"):
        metric(right[:0], right[:0])
    with pytest.raises(ValueError, match="must be"):
        metric(right[:, :2], right)


def test_ranks_know_nothing_of_thresholds():
    scores, right = rows_of(0, 5, 0.4, 1.0)
    assert lrap(scores / 10 - 3, right) == lrap(scores, right)
