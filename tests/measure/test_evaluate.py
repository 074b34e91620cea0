import numpy as np
import pytest

from tinybert.base.errors import InputError
from tinybert.formats.open import open_model
from tinybert.measure.evaluate import evaluate
from tinybert.tasks import get_task
from tinybert.tasks.metrics import f1
from tinybert.tasks.task import Examples

TEXTS = ["a good film", "the plot is dull", "great acting", "", "a cat sat on the mat"] * 8
NAMES = ["negative", "positive"]


def test_a_model_agrees_with_itself(tiny_artifact_dir):
    model = open_model(tiny_artifact_dir)
    answers = model.logits(TEXTS).argmax(axis=1)
    scored = evaluate(model, Examples.of_texts(TEXTS, answers, "self"))
    assert scored["rows"] == len(TEXTS)
    assert scored["metric"] == scored["metric_low"] == scored["metric_high"] == 1
    assert scored["metrics"][model.task.metric] == 1


def test_the_interval_holds_the_metric(tiny_artifact_dir):
    model = open_model(tiny_artifact_dir)
    labels = model.logits(TEXTS).argmax(axis=1)
    labels[:10] = 1 - labels[:10]
    scored = evaluate(model, Examples.of_texts(TEXTS, labels, "self"))
    assert scored["metric"] == pytest.approx(0.75)
    assert 0.5 < scored["metric_low"] < 0.75 < scored["metric_high"] < 1


@pytest.mark.parametrize("labels", [None, np.zeros(0, dtype=np.int64)])
def test_nothing_to_evaluate_is_refused(tiny_artifact_dir, labels):
    texts = TEXTS if labels is None else []
    with pytest.raises(InputError, match=r"data\.tsv"):
        evaluate(open_model(tiny_artifact_dir), Examples.of_texts(texts, labels, "data.tsv"))


def test_the_metrics_are_the_tasks_not_those_of_the_models_config(tiny_artifact_dir):
    model = open_model(tiny_artifact_dir)
    answers = model.logits(TEXTS).argmax(axis=1)
    labels = answers.copy()
    labels[:10] = 1 - labels[:10]
    spec = {"kind": "text-classification", "metrics": ["f1", "matthews"]}
    task = get_task(spec | {"labels": ["negative", "positive"]}, model.task)
    scored = evaluate(model, Examples.of_texts(TEXTS, labels, "self"), task)
    assert list(scored["metrics"]) == ["f1", "matthews"]
    assert scored["metric"] == pytest.approx(f1(answers, labels))
    assert scored["metric_low"] < scored["metric"] < scored["metric_high"]


def test_f1_is_of_the_data_sets_positive_class_whatever_the_order_of_the_outputs(tiny_artifact_dir):
    model = open_model(tiny_artifact_dir)  # its outputs: negative, positive
    answers = model.logits(TEXTS).argmax(axis=1)
    labels = answers.copy()
    labels[:10] = 1 - labels[:10]
    spec = {"kind": "text-classification", "metrics": "f1"}
    tasks = [get_task(spec | {"labels": names}, model.task) for names in (NAMES, NAMES[::-1])]
    assert [task.labels for task in tasks] == [tuple(NAMES)] * 2
    first, second = (
        evaluate(model, Examples.of_texts(TEXTS, labels, "self"), task) for task in tasks
    )
    assert first["metric"] == pytest.approx(f1(answers, labels))
    assert second["metric"] == pytest.approx(f1(1 - answers, 1 - labels))
    assert first["metric"] != second["metric"]
    for scored in (first, second):
        assert scored["metric_low"] <= scored["metric"] <= scored["metric_high"]
