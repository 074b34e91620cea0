"""Several tasks side by side: each is decoded and scored as it would be alone."""

import json

import numpy as np
import pytest

from tinybert.base.errors import InputError
from tinybert.data import Table
from tinybert.measure.guess import constant_guess
from tinybert.tasks import get_task, task_from_config
from tinybert.tasks.outputs import Outputs
from tinybert.tasks.pairs import texts_per_input

SPECS = {
    "sentiment": {"kind": "text-classification", "labels": ["negative", "positive"]},
    "stars": {"kind": "text-regression", "label": "stars"},
    "tags": {"kind": "multi-label-classification", "labels": ["x", "y", "z"], "text": "sentence"},
}
TABLES = {
    "sentiment": {"sentence": ["a", "b", "c"], "label": ["negative", "positive", "positive"]},
    "stars": {"sentence": ["d", "e", "f", "g"], "stars": [1.0, 2.5, 4.0, 3.0]},
    "tags": {"sentence": ["h", "i"], "labels": [["x", "z"], []]},
}
WIDTH = 6


def several(**specs):
    return get_task({"kind": "several-tasks", "tasks": specs or SPECS})


@pytest.fixture
def rows():
    task = several()
    return task.join(
        [part.task.examples(Table(TABLES[part.name], f"{part.name}.jsonl")) for part in task.tasks]
    )


def logits(count):
    return np.random.default_rng(0).normal(size=(count, WIDTH)).astype(np.float32)


def test_each_is_decoded_as_it_would_be_alone(rows):
    task, given = several(), logits(len(rows))
    predictions = task.decode(given)
    for part, own in task.outputs:
        assert [each[part.name] for each in predictions] == part.task.decode(given[:, own])
    json.dumps(predictions)
    (cells,) = task.cells(predictions[0], 1)
    assert {"sentiment.label", "stars.value", "tags.labels"} <= {*cells}
    assert "\n" not in task.line(predictions[0])


def test_each_is_scored_as_it_would_be_alone_on_its_own_rows(rows):
    task, given = several(), logits(len(rows))
    found = task.score(Outputs({"logits": given}), rows.labels)
    assert tuple(found) == task.metrics
    start, first = 0, []
    for part, own in task.outputs:
        examples = part.task.examples(Table(TABLES[part.name], "rows.jsonl"))
        some = Outputs({"logits": given[start : start + len(examples), own]})
        alone = part.task.score(some, examples.labels)
        assert {name: found[f"{part.name}.{name}"] for name in alone} == pytest.approx(alone)
        first.append(alone[part.task.metric])
        start += len(examples)
    assert found["mean"] == pytest.approx(np.mean(first))


def test_the_order_of_rows_does_not_matter(rows):
    task, given = several(), logits(len(rows))
    order = np.random.default_rng(1).permutation(len(rows))
    scores = [
        task.score(Outputs({"logits": given[at]}), rows.labels[at])
        for at in (np.arange(len(rows)), order)
    ]
    assert scores[0] == pytest.approx(scores[1])


def test_rows_drawn_anew_may_lack_a_task(rows):
    task = several()
    tally = task.tally(Outputs({"logits": logits(len(rows))}), rows.labels)
    assert task.measure("tags.micro_f1", tally[:3]) == 0
    alone = task.measure("sentiment.accuracy", tally)
    assert task.measure("mean", tally[:3]) == alone


def test_the_best_constant_guess_is_that_of_each(rows):
    guess = constant_guess(several(), rows)
    # Two of three are positive; correlations of constants are 0; of the tags x and z are best.
    assert guess == pytest.approx((2 / 3 + 0 + 2 * 2 / (2 * 2 + 2)) / 3)


def test_models_agree_where_all_tasks_do():
    task = several()
    given = np.float32([[0, 1, 2.0, 1, -1, -1], [0, 1, 4.0, 1, -1, -1]])
    assert task.agrees(given, given).all()
    for output, value in ((0, 2.0), (2, 9.0), (4, 1.0)):
        other = given.copy()
        other[1, output] = value
        assert task.agrees(other, given).tolist() == [True, False]


def test_it_survives_transformers_which_sorts_keys(tmp_path):
    from transformers import BertConfig

    task = several(zebra=SPECS["stars"], ant=SPECS["tags"])
    BertConfig(**task.model_config()).save_pretrained(tmp_path)
    found = task_from_config(json.loads((tmp_path / "config.json").read_text()))
    assert [part.name for part in found.tasks] == ["zebra", "ant"]
    assert found.metrics == task.metrics
    loaded = BertConfig.from_pretrained(tmp_path)
    assert loaded.num_labels == 4
    assert loaded.id2label[1] == "ant.x"
    assert task_from_config(loaded.to_dict()) == found
    assert texts_per_input(loaded.to_dict()) == 1
    assert task.for_model(found).metrics == task.metrics


def test_one_by_one_or_side_by_side_outputs_are_the_same():
    task, given = several(), logits(2)
    arrays = {f"logits_{part.name}": given[:, own] for part, own in task.outputs}
    np.testing.assert_array_equal(task.logits(arrays), given)
    np.testing.assert_array_equal(task.logits({"logits": given}), given)
    with pytest.raises(InputError, match="no output logits_tags"):
        task.logits({name: values for name, values in arrays.items() if "tags" not in name})


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ({"one": "text-regression"}, "only 'one'; expected two or more"),
        ({"a b": "text-regression", "c": "text-regression"}, "a name begins with a letter"),
        ({"a": "text-regression", "b": "token-classification"}, "can't be done beside others"),
        ({"a": "text-regression", "b": "several-tasks"}, "can't be done beside others"),
        ({"a": "text-regression", "b": "nonsense"}, "tasks: b: unknown kind 'nonsense'"),
        ({"a": "text-regression", "b": 3}, "tasks: b: expected a task, got 3"),
        ({"a": "glue/sst-2", "b": "glue/mrpc"}, "a reads one text and b pairs"),
        (
            {"a": "glue/sst-2", "b": {"kind": "text-regression", "metrics": ["mse"]}},
            "of mse lower is better",
        ),
        ({"a": "glue/sst-2", "b": {"kind": "glue/cola", "weight": 0}}, "a number above 0"),
        ([], "expected a mapping of names to tasks"),
    ],
)
def test_what_cannot_be_done_at_once_is_refused(tasks, message):
    with pytest.raises(InputError, match=message):
        get_task({"kind": "several-tasks", "tasks": tasks})


def test_a_damaged_config_is_told():
    config = json.loads(json.dumps(several().model_config()))
    for damaged in (None, [], [{"name": "x"}], {"a": 1}):
        config["tinybert"]["task"]["tasks"] = damaged
        with pytest.raises(InputError, match="damaged"):
            task_from_config(config)


def test_rows_are_of_one_of_the_tasks():
    table = Table(TABLES["stars"], "rows.jsonl")
    assert len(several().examples(table, labeled=False)) == 4
    with pytest.raises(InputError, match="of which task are these rows"):
        several().examples(table)
