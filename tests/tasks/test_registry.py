"""Tasks by name and from config.json, and that every kind keeps the interface."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tinybert.base.errors import InputError
from tinybert.data import Table
from tinybert.tasks import get_task, task_from_config
from tinybert.tasks.glue import GLUE
from tinybert.tasks.registry import KINDS

ROWS = Table({"sentence": ["a", "b", "c"], "label": ["1", "0", "1"]}, "train.tsv")
SETS = Table({"text": ["a", "b", "c"], "labels": [["x", "y"], [], ["y"]]}, "train.jsonl")


TOKENS = Table({"tokens": [["a", "b"], ["c"]], "tags": [["B-X", "I-X"], ["O"]]}, "train.jsonl")


PAIRS = Table({"sentence1": ["a", "b"], "sentence2": ["c", "d"], "score": [1.0, 2.0]}, "train.tsv")


QUESTIONS = Table(
    {
        "question": ["where", "who"],
        "context": ["a film in Rome", "nobody"],
        "answers": [{"text": ["Rome"], "answer_start": [10]}, {"text": [], "answer_start": []}],
    },
    "train.jsonl",
)


def rows_of(kind):
    tables = {
        "question-answering": QUESTIONS,
        "token-classification": TOKENS,
        "multi-label-classification": SETS,
        "sentence-embedding": PAIRS,
        "causal-lm": Table({"text": ["a film", "a cat", "it"]}, "train.txt"),
    }
    return tables.get(kind, ROWS)


def task_of(kind):
    """A task with what it learns from rows, or of a model, as how long vectors are."""
    task = get_task(kind).fit(rows_of(kind))
    own = {"sentence-embedding": {"vector": 4}, "causal-lm": {"vocabulary": 2}}
    return replace(task, **own.get(kind, {}))


class Told:
    """A model that gives what it is told."""

    def __init__(self, outputs):
        self.outputs = lambda rows, batch_size: outputs

    def write(self, texts):
        return [f"{text}\nand so on" for text in texts]


def logits_of(task, positions):
    return np.random.default_rng(0).normal(size=(positions, task.width)).astype(np.float32)


# Several tasks have no rows of their own: see test_several_tasks.py.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "several-tasks"])
class TestEveryKind:
    def test_has_its_name_and_known_metrics(self, kind):
        task = get_task(kind)
        assert task.kind == kind
        assert set(task.metrics) <= set(task.scored_by)

    def test_comes_back_from_its_config(self, kind):
        label = next(name for name in reversed(rows_of(kind).columns))
        cells = rows_of(kind).columns[label]
        spec, table = {"text": ["a", "b"], "label": "y"}, Table({"y": cells}, "train.tsv")
        if kind == "token-classification":
            spec, table = (
                {"text": "x", "label": "y"},
                Table({"x": [["a"]], "y": [["B-X"]]}, "train.jsonl"),
            )
        if kind == "causal-lm":
            spec, table = {"text": "x"}, Table({"x": ["a"]}, "train.jsonl")
        task = get_task({"kind": kind, **spec}).fit(table)
        saved = json.loads(json.dumps(task.model_config()))
        assert task_from_config(saved) == task

    def test_predicts_and_scores_every_row(self, kind):
        task = task_of(kind)
        examples = task.examples(rows_of(kind))
        (outputs, *_) = task.guesses(examples)
        outputs = replace(
            outputs, arrays={**outputs.arrays, "logits": logits_of(task, len(outputs.logits))}
        )
        predictions = task.predict(Told(outputs), examples.rows, 32)
        assert len(predictions) == len(outputs) == len(examples) == len(rows_of(kind))
        json.dumps(predictions)
        for number, prediction in enumerate(predictions, 1):
            assert "\n" not in task.line(prediction)
            for cells in task.cells(prediction, number):
                assert all(isinstance(cell, str | float | int) for cell in cells.values())
        if kind not in ("question-answering", "causal-lm"):  # their answers are of rows alone
            assert len(task.answers(outputs.logits)) == len(outputs.logits)
            assert task.agrees(outputs.logits, outputs.logits).all()
        agree, answers = task.agreement(outputs, outputs).T
        assert agree == pytest.approx(answers)
        assert len(agree) == len(examples)
        assert task.compared(outputs).shape == outputs.logits.shape
        assert tuple(task.score(outputs, examples.labels)) == task.metrics
        assert len(task.tally(outputs, examples.labels)) == len(examples)

    def test_survives_transformers(self, kind, tmp_path):
        from transformers import BertConfig

        task = task_of(kind)
        BertConfig(**task.model_config()).save_pretrained(tmp_path)
        assert task_from_config(json.loads((tmp_path / "config.json").read_text())) == task
        loaded = BertConfig.from_pretrained(tmp_path)
        names = task.model_config().get("id2label")  # the numbers of a vector have none
        assert names is None or loaded.num_labels == len(names)
        assert task_from_config(loaded.to_dict()) == task


def test_options_override_those_of_a_known_data_set():
    task = get_task({"kind": "glue/mrpc", "text": ["sentence1", "sentence2"], "label": "label"})
    assert task.text == ("sentence1", "sentence2")
    assert task.metrics == GLUE["glue/mrpc"].metrics
    assert get_task({"kind": "text-classification", "labels": [0, 1]}).labels == ("0", "1")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("glue/nope", "unknown kind 'glue/nope'; known: text-classification, .*glue/cola"),
        ({}, "unknown kind None"),
        ({"kind": ["text-regression"]}, "unknown kind"),
        ({"kind": "text-regression", "labels": ["a", "b"]}, "text-regression has no option 'labe"),
        ({"kind": "text-classification", "layout": "x"}, "has no option 'layout'"),
        ({"kind": "text-classification", "text": 3}, "text: expected text or a list of texts"),
        ({"kind": "text-classification", "text": [1]}, "text: expected text or a list of texts"),
        ({"kind": "text-classification", "label": ["a"]}, "label: expected the name of a column"),
        ({"kind": "text-classification", "labels": [False, True]}, "labels: expected text"),
        ({"kind": "text-classification", "metrics": "rouge"}, "metrics: no metric 'rouge'"),
        ({"kind": "text-classification", "labels": ["a"]}, "labels: expected two"),
    ],
)
def test_bad_specs_are_refused(spec, message):
    with pytest.raises(InputError, match=f"task: .*{message}|task: {message}"):
        get_task(spec)


def test_a_kind_takes_from_the_model_what_it_leaves_open():
    model = GLUE["glue/mrpc"]
    assert get_task("text-classification", model) == model
    task = get_task({"kind": "text-classification", "metrics": "accuracy"}, model)
    assert (task.text, task.metrics) == (model.text, ("accuracy",))


def test_a_data_set_takes_the_order_of_the_labels_from_the_model():
    config = {
        "architectures": ["DistilBertForSequenceClassification"],
        "id2label": {"0": "POSITIVE", "1": "NEGATIVE"},
    }
    task = get_task("glue/sst-2", task_from_config(config))
    assert task.labels == ("positive", "negative")
    assert task.examples(ROWS).labels.tolist() == [0, 1, 0]
    # Also when the model that was trained for it is used again by its kind alone.
    again = get_task("text-classification", task_from_config(task.model_config()))
    assert again.examples(ROWS).labels.tolist() == [0, 1, 0]
    with pytest.raises(InputError, match="task: the model does text-classification"):
        get_task("glue/sts-b", task_from_config(config))


def test_models_of_others_are_understood():
    bert = {"architectures": ["BertForSequenceClassification"]}
    assert task_from_config(bert).labels == ("LABEL_0", "LABEL_1")
    assert task_from_config(bert | {"num_labels": 1}).kind == "text-regression"
    assert task_from_config(bert | {"id2label": {"0": "LABEL_0"}}).kind == "text-regression"
    three = bert | {"id2label": {"2": "c", "0": "a", "1": "b"}}
    assert task_from_config(three).labels == ("a", "b", "c")


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"architectures": None},
        {"architectures": ["BertModel"]},
        {"architectures": ["BertForMaskedLM"], "id2label": {"0": "a", "1": "b"}},
        {
            "architectures": ["BertForSequenceClassification"],
            "problem_type": "multi_label_classification",
            "num_labels": 1,
        },
        {"architectures": ["BertForSequenceClassification"], "id2label": ["a", "b"]},
        {"architectures": ["BertForSequenceClassification"], "id2label": {"1": "a", "2": "b"}},
        {"architectures": ["BertForSequenceClassification"], "id2label": {"x": "a", "y": "b"}},
        {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "a", "1": "a"}},
        {"architectures": "BertForSequenceClassification"},
        {"tinybert": {"task": {"kind": "text-regression", "text": 3}}, "id2label": {"0": "x"}},
        {"tinybert": {"task": {"kind": "text-regression", "label": ["x"]}}, "num_labels": 1},
        {"tinybert": {"task": {"kind": "text-to-video"}}},
        {"tinybert": "x"},
    ],
)
def test_configs_of_no_task_are_refused(config):
    with pytest.raises(InputError, match=r"config\.json: |labels: "):
        task_from_config(config)


def test_tasks_and_readers_need_no_torch():
    code = (
        "import sys, tinybert.tasks, tinybert.data, tinybert.measure.intervals;"
        "heavy = {'torch', 'transformers', 'datasets', 'pyarrow'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
