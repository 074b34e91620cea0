import numpy as np
import pytest

from tinybert.measure.intervals import bootstrap_interval
from tinybert.tasks.metrics import accuracy, spearman


def interval_of(metric, predictions, labels, **options):
    sides = np.stack([predictions, labels], axis=1)
    return bootstrap_interval(lambda rows: metric(rows[:, 0], rows[:, 1]), sides, **options)


def right_with(probability, rows, seed=0):
    return (np.random.default_rng(seed).random(rows) < probability).astype(int), np.ones(rows, int)


def test_the_interval_of_accuracy_is_the_binomial_one():
    predictions, labels = right_with(0.8, 2000)
    center = accuracy(predictions, labels)
    half = 1.96 * np.sqrt(center * (1 - center) / 2000)
    interval = interval_of(accuracy, predictions, labels)
    assert interval == pytest.approx((center - half, center + half), abs=0.1 * half)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    intervals = [
        interval_of(accuracy, *right_with(0.7, 200, seed), level=0.8, samples=200)
        for seed in range(200)
    ]
    assert np.mean([low <= 0.7 <= high for low, high in intervals]) == pytest.approx(0.8, abs=0.1)


def test_rows_stay_together_and_order_is_kept():
    values = np.arange(50.0)
    low, high = interval_of(spearman, values, values)
    assert low == high == pytest.approx(1.0)


def test_the_same_seed_gives_the_same_interval():
    generator = np.random.default_rng(0)
    sides = generator.normal(size=100), generator.normal(size=100)
    first = interval_of(spearman, *sides, seed=1)
    assert first == interval_of(spearman, *sides, seed=1)
    assert first != interval_of(spearman, *sides, seed=2)
