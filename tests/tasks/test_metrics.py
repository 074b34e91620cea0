"""Metrics against scikit-learn and SciPy, and where those give NaN or warn."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sklearn_metrics

from tinybert.tasks.metrics import (
    LOWER_IS_BETTER,
    METRICS,
    accuracy,
    f1,
    macro_f1,
    matthews,
    pearson,
    spearman,
)

REFERENCES = {
    accuracy: sklearn_metrics.accuracy_score,
    f1: sklearn_metrics.f1_score,
    matthews: sklearn_metrics.matthews_corrcoef,
    macro_f1: lambda labels, predictions: sklearn_metrics.f1_score(
        labels, predictions, average="macro"
    ),
}


@pytest.mark.parametrize(
    ("metric", "classes"),
    [(f1, 2), *((metric, n) for metric in REFERENCES if metric is not f1 for n in (2, 3, 20))],
)
@pytest.mark.parametrize("seed", range(5))
def test_classification_metrics_agree_with_scikit_learn(metric, classes, seed):
    generator = np.random.default_rng(seed)
    labels = generator.integers(classes, size=50)
    guesses = generator.integers(classes, size=50)
    predictions = np.where(generator.random(50) < 0.5, labels, guesses)
    expected = REFERENCES[metric](labels, predictions)
    assert metric(predictions, labels) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("metric", "reference"), [(pearson, stats.pearsonr), (spearman, stats.spearmanr)]
)
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(5))
def test_correlations_agree_with_scipy(metric, reference, ties, dtype, seed):
    generator = np.random.default_rng(seed)
    labels = generator.normal(size=200)
    predictions = labels + generator.normal(size=200)
    if ties:
        labels, predictions = labels.round(), predictions.round()
    labels, predictions = labels.astype(dtype), predictions.astype(dtype)
    expected = reference(predictions.astype(float), labels.astype(float)).statistic
    assert metric(predictions, labels) == pytest.approx(expected, abs=1e-12)


DEGENERATE = {
    "constant predictions": ([0.1] * 9, [0, 1, 2] * 3),
    "constant labels": ([0, 1, 2] * 3, [0.1] * 9),
    "both constant": ([0.1] * 9, [0.7] * 9),
    "nan": ([math.nan, 1.0, 2.0], [0.0, 1.0, 2.0]),
    "infinity": ([math.inf, 1.0, 2.0], [0.0, 1.0, 2.0]),
    "one row": ([1.0], [2.0]),
}


@pytest.mark.parametrize("metric", [pearson, spearman])
@pytest.mark.parametrize("case", DEGENERATE)
def test_undefined_correlations_are_zero(metric, case):
    assert metric(*DEGENERATE[case]) == 0.0


@pytest.mark.parametrize("metric", [matthews, f1])
@pytest.mark.parametrize("value", [0, 1])
def test_undefined_classification_metrics_are_zero(metric, value):
    labels = [0] * 4 if metric is f1 else [0, 1, 0, 1]
    assert metric([value] * 4, labels) == 0.0


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_one_for_perfect_and_a_plain_float(name):
    score = METRICS[name](np.array([0, 1, 2, 1]) % 2, np.array([0, 1, 2, 1]) % 2)
    assert score == pytest.approx(0.0 if name in LOWER_IS_BETTER else 1.0)
    assert type(score) is float


@pytest.mark.parametrize("metric", METRICS.values())
def test_lengths_that_differ_and_no_rows_are_refused(metric):
    for sides in ([0, 1], [0, 1, 1]), ([], []):
        with pytest.raises(ValueError, match="must be"):
            metric(*sides)
