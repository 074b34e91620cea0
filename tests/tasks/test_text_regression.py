import numpy as np
import pytest

from tinybert.base.errors import InputError
from tinybert.data import Table
from tinybert.tasks.outputs import Outputs
from tinybert.tasks.text_regression import TextRegression

TASK = TextRegression(label="score")


def table(*cells):
    return Table({"sentence": ["text"] * len(cells), "score": list(cells)}, "a.tsv", range(2, 99))


def test_labels_are_float32():
    labels = TASK.examples(table("5.000", 3, 2.5)).labels
    assert labels.dtype == np.float32
    assert labels.tolist() == [5.0, 3.0, 2.5]
    assert TASK.examples(table("x"), labeled=False).labels is None


@pytest.mark.parametrize(
    "cell", ["high", "nan", "inf", "-inf", "1e400", "1e39", 10**400, True, ["1"], float("inf")]
)
def test_what_is_no_finite_number_is_refused_with_its_row(cell):
    with pytest.raises(InputError, match=r"a\.tsv: row 3: 'score' is not a finite number"):
        TASK.examples(table("1", cell))


@pytest.mark.parametrize("cell", ["", None, float("nan")])
def test_an_empty_label_is_refused_with_its_row(cell):
    with pytest.raises(InputError, match=r"a\.tsv: row 3: 'score' is empty"):
        TASK.examples(table("1", cell))


def test_predictions_are_values_and_scored_by_rank():
    logits = np.array([[1.0], [2.0], [30.0]], np.float32)
    assert TASK.decode(logits) == [{"value": 1.0}, {"value": 2.0}, {"value": 30.0}]
    assert TASK.metric == "spearman"
    scores = TASK.score(Outputs({"logits": logits}), np.array([1, 2, 3], np.float32))
    assert scores["spearman"] == pytest.approx(1.0)
    assert scores["pearson"] < 1


def test_metrics_of_classes_are_refused():
    with pytest.raises(InputError, match="no metric 'accuracy' for text-regression"):
        TextRegression(metrics=("accuracy",))


def test_values_agree_within_a_fiftieth_of_their_range():
    expected = np.array([[0.0], [5.0], [2.0]], np.float32)
    shifted = expected + np.array([[0.09], [-0.09], [0.11]], np.float32)
    assert TextRegression().agrees(shifted, expected).tolist() == [True, True, False]
    assert TextRegression().agrees(expected[:1], expected[:1]).tolist() == [True]
