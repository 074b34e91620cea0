"""Metrics of rows with any number of labels, on numpy alone, as scikit-learn defines them.

Each takes what a model says and what is right, (rows, labels) both, and returns one float. What
is right, and what `micro_f1`, `macro_f1` and `subset_accuracy` take of a model, is 1 where a row
has a label and 0 elsewhere. None returns NaN: the F1 of a label that no row has and no prediction
names is 0.0, as scikit-learn's `zero_division=0` has it.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinybert.tasks.metrics import AGREEMENT, Metric


def micro_f1(predictions: ArrayLike, labels: ArrayLike) -> float:
    """F1 of all decisions together: frequent labels count for more.

    Example:
        >>> round(micro_f1([[1, 0], [1, 1]], [[1, 0], [0, 1]]), 4)
        0.8
    """
    chosen, right = _decisions(predictions, labels)
    return float(f1_of_counts(np.sum(chosen & right), np.sum(chosen), np.sum(right)))


def macro_f1(predictions: ArrayLike, labels: ArrayLike) -> float:
    """The mean over labels of their F1: all of them count alike, however few rows they have.

    Example:
        >>> round(macro_f1([[1, 0], [1, 1]], [[1, 0], [0, 1]]), 4)
        0.8333
    """
    chosen, right = _decisions(predictions, labels)
    of_labels = f1_of_counts((chosen & right).sum(axis=0), chosen.sum(axis=0), right.sum(axis=0))
    return float(np.mean(of_labels))


def subset_accuracy(predictions: ArrayLike, labels: ArrayLike) -> float:
    """The share of rows whose labels are all right, and no other is there.

    Example:
        >>> subset_accuracy([[1, 0], [1, 1]], [[1, 0], [0, 1]])
        0.5
    """
    chosen, right = _decisions(predictions, labels)
    return float(np.mean((chosen == right).all(axis=1)))


def lrap(scores: ArrayLike, labels: ArrayLike) -> float:
    """Label ranking average precision, which no threshold changes.

    For each label of a row: of the labels with its score or a higher one, the share that the row
    has. Of these the mean over the row's labels, then over rows; a row without labels counts as 1.

    Args:
        scores: (rows, labels), the higher the surer.
        labels: (rows, labels), 0 or 1.

    Example:
        >>> lrap([[0.9, 0.8, 0.1]], [[1, 0, 1]]) == (1 / 1 + 2 / 3) / 2
        True
    """
    scored, right = _tables(scores, labels)
    right = right.astype(bool)
    order = np.argsort(scored, axis=1, kind="stable")[:, ::-1]
    scored, right = (np.take_along_axis(each, order, axis=1) for each in (scored, right))
    # Labels of equal scores share a rank, the last of theirs.
    count = scored.shape[1]
    ends = np.ones(scored.shape, bool)
    ends[:, :-1] = scored[:, :-1] != scored[:, 1:]
    places = np.where(ends, np.arange(count), count)
    last = np.minimum.accumulate(places[:, ::-1], axis=1)[:, ::-1]
    precision = np.take_along_axis(right.cumsum(axis=1), last, axis=1) / (last + 1)
    own = right.sum(axis=1)
    mean = (precision * right).sum(axis=1) / np.maximum(own, 1)
    return float(np.mean(np.where(own == 0, 1.0, mean)))


def f1_of_counts(hits: ArrayLike, chosen: ArrayLike, right: ArrayLike) -> NDArray[np.float64]:
    """F1 of numbers of decisions; 0 where nothing is chosen and nothing is right.

    Args:
        hits: Chosen and right.
        chosen: Chosen.
        right: Right.

    Example:
        >>> f1_of_counts([1, 0], [2, 0], [2, 0]).tolist()
        [0.5, 0.0]
    """
    both = np.asarray(chosen) + np.asarray(right)
    return 2 * np.asarray(hits) / np.maximum(both, 1)


LABEL_SET_METRICS: dict[str, Metric] = {
    **{metric.__name__: metric for metric in (micro_f1, macro_f1, subset_accuracy, lrap)},
    AGREEMENT: subset_accuracy,
}
"""The metrics of multi-label classification by the name that recipes and report.json use."""


def _tables(predictions: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.generic], ...]:
    tables = np.asarray(predictions), np.asarray(labels)
    if tables[0].ndim != 2 or tables[0].shape != tables[1].shape or not tables[0].size:
        raise ValueError(
            "predictions and labels must be (rows, labels), not "
            f"{tables[0].shape} and {tables[1].shape}"
        )
    return tables


def _decisions(predictions: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.bool_], ...]:
    return tuple(table.astype(bool) for table in _tables(predictions, labels))
