import numpy as np
import pytest

from tinybert.errors import InputError
from tinybert.measure.evaluate import evaluate
from tinybert.models import open_model
from tinybert.tasks.base import Examples

TEXTS = ["a good film", "the plot is dull", "great acting", "", "a cat sat on the mat"] * 8


def test_a_model_agrees_with_itself(tiny_artifact_dir):
    model = open_model(tiny_artifact_dir)
    answers = model.logits(TEXTS).argmax(axis=1)
    scored = evaluate(model, Examples(TEXTS, answers, "self"))
    assert scored["rows"] == len(TEXTS)
    assert scored["metric"] == scored["metric_low"] == scored["metric_high"] == 1
    assert scored["metrics"][model.task.metric] == 1


def test_the_interval_holds_the_metric(tiny_artifact_dir):
    model = open_model(tiny_artifact_dir)
    labels = model.logits(TEXTS).argmax(axis=1)
    labels[:10] = 1 - labels[:10]
    scored = evaluate(model, Examples(TEXTS, labels, "self"))
    assert scored["metric"] == pytest.approx(0.75)
    assert 0.5 < scored["metric_low"] < 0.75 < scored["metric_high"] < 1


@pytest.mark.parametrize("labels", [None, np.zeros(0, dtype=np.int64)])
def test_nothing_to_evaluate_is_refused(tiny_artifact_dir, labels):
    texts = TEXTS if labels is None else []
    with pytest.raises(InputError, match=r"data\.tsv"):
        evaluate(open_model(tiny_artifact_dir), Examples(texts, labels, "data.tsv"))
