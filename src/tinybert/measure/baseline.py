"""TF-IDF with a linear model: what a transformer has to beat on the same rows."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybert.measure.evaluate import score
from tinybert.tasks.columns import KEYS
from tinybert.tasks.outputs import Outputs
from tinybert.tasks.rows import Examples, Row
from tinybert.tasks.task import Task

MOST_ROWS = 50_000
"""It learns from so many training rows at most, in seconds."""

_SURE = 30.0
"""The logit of what no training row leaves open."""

_FREEDOM = 10.0
"""The C of logistic regression; its default of 1 holds features of length 1 too tight."""

_MOST_WORDS = 200_000

Answer = Callable[[Any], NDArray[Any]]


def baseline(task: Task, train: Examples | None, rows: Examples) -> dict[str, Any] | None:
    """What TF-IDF of words and pairs of words with a linear model comes to.

    Args:
        task: With its labels.
        train: The rows to learn from.
        rows: The evaluation split.

    Returns:
        "train_rows", and what `score` gives; None where training rows have no labels, or answers
        are no one class, number or set of labels.

    Example:
        >>> from tinybert.tasks import get_task
        >>> task = get_task({"kind": "text-classification", "labels": ["dull", "good"]})
        >>> texts = ["a good film", "very good", "a dull film", "so dull"]
        >>> rows = Examples.of_texts(texts, np.array([1, 1, 0, 0]), "rows")
        >>> baseline(task, rows, rows)["metric"]
        1.0
    """
    if train is None or train.labels is None or train.labels.dtype == object or not len(train):
        return None
    if getattr(task, "activation", None) == "sigmoid":
        return None
    places = np.random.default_rng(0).permutation(len(train))[:MOST_ROWS]
    # Thresholds are chosen on rows that it has not learned from, where a task has some to choose.
    tuned, learned = np.split(places, [len(places) // 5 if task.calibrates else 0])
    features = _features([train.rows[place] for place in learned])
    outputs = task.width
    answer = _fit(
        features([train.rows[place] for place in learned]), train.labels[learned], outputs
    )
    if len(tuned):
        held_out = answer(features([train.rows[place] for place in tuned]))
        task = task.calibrate(_outputs(held_out), train.labels[tuned])
    assert rows.labels is not None, "the evaluation split has labels"
    logits = answer(features(rows.rows))
    found = score(_outputs(logits), rows.labels, task)
    return {"train_rows": len(learned), **found}


def _outputs(logits: NDArray[Any]) -> Outputs:
    return Outputs({"logits": logits.astype(np.float32)})


def _features(rows: Sequence[Row]) -> Callable[[Sequence[Row]], Any]:
    """Learns words and their weights from rows; gives features, those of a pair side by side."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = {
        key: TfidfVectorizer(
            ngram_range=(1, 2),
            sublinear_tf=True,
            token_pattern=r"(?u)\S+",
            max_features=_MOST_WORDS,
        ).fit(row[key] for row in rows)
        for key in KEYS
        if key in rows[0]
    }
    return lambda given: hstack(
        [each.transform(row[key] for row in given) for key, each in words.items()]
    ).tocsr()


def _fit(features: Any, labels: NDArray[Any], outputs: int) -> Answer:
    """Learns labels from features; gives logits, (rows, outputs)."""
    from sklearn.linear_model import Ridge

    if labels.ndim == 2:
        each = [_fit_label(features, column > 0.5) for column in labels.T]
        return lambda given: np.stack([answer(given) for answer in each], axis=1)
    if labels.dtype.kind == "f":
        ridge = Ridge().fit(features, labels)
        return lambda given: ridge.predict(given)[:, None]
    return _fit_classes(features, labels, outputs)


def _fit_label(features: Any, has: NDArray[np.bool_]) -> Answer:
    """One label, there or not: logits (rows,)."""
    from sklearn.linear_model import LogisticRegression

    if has.all() or not has.any():
        return lambda given: np.full(given.shape[0], _SURE if has.all() else -_SURE)
    return LogisticRegression(C=_FREEDOM, solver="liblinear").fit(features, has).decision_function


def _fit_classes(features: Any, labels: NDArray[np.int64], outputs: int) -> Answer:
    """One of several classes; one that no row has is never given."""
    from sklearn.svm import LinearSVC

    classes = np.unique(labels)
    model = LinearSVC().fit(features, labels) if len(classes) > 1 else None

    def answer(given: Any) -> NDArray[Any]:
        logits = np.full((given.shape[0], outputs), -_SURE)
        margins = np.zeros((given.shape[0], 1)) if model is None else model.decision_function(given)
        if margins.ndim == 1:  # of two classes, for the second
            margins = np.stack([-margins, margins], axis=1)
        logits[:, classes] = margins
        return logits

    return answer
