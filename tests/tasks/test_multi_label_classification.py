"""Label sets from tables, in a model's order, with its thresholds, to predictions."""

import json

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from tinybert.base.errors import InputError
from tinybert.data import Table, read
from tinybert.measure.compare import compare
from tinybert.measure.evaluate import score
from tinybert.measure.guess import constant_guess, no_better_than_constant
from tinybert.tasks import get_task, task_from_config
from tinybert.tasks.labels import UnnamedOutputs
from tinybert.tasks.outputs import Outputs
from tinybert.tasks.text_classification import TextClassification

KIND = "multi-label-classification"
STOCK = {
    "architectures": ["BertForSequenceClassification"],
    "problem_type": "multi_label_classification",
}


def task_of(**options):
    return get_task({"kind": KIND, **options})


def given(logits):
    return Outputs({"logits": logits})


def table(cells, name="labels", **columns):
    texts = {"text": [f"text {row}" for row in range(len(cells))]}
    return Table(texts | {name: cells} | columns, "train.jsonl")


@pytest.mark.parametrize(
    ("cells", "options", "labels", "expected"),
    [
        ([["joy", "love"], [], ["joy"]], {}, ("joy", "love"), [[1, 1], [0, 0], [1, 0]]),
        ([("b", "a"), ["a"]], {}, ("a", "b"), [[1, 1], [1, 0]]),
        ([[10, 9], [9.0]], {}, ("9", "10"), [[1, 1], [1, 0]]),
        ([["love"], []], {"labels": ["love", "joy"]}, ("love", "joy"), [[1, 0], [0, 0]]),
        ([[1], [0, "joy"]], {"labels": ["love", "joy"]}, ("love", "joy"), [[0, 1], [1, 1]]),
        (["joy|love", "", " love "], {"separator": "|"}, ("joy", "love"), [[1, 1], [0, 0], [0, 1]]),
        (["a, b", "b"], {"separator": ","}, ("a", "b"), [[1, 1], [0, 1]]),
    ],
)
def test_label_sets_of_one_column(cells, options, labels, expected):
    rows = table(cells)
    task = task_of(**options).fit(rows)
    assert task.labels == labels
    found = task.examples(rows).labels
    assert found.dtype == np.float32
    assert found.tolist() == expected


@pytest.mark.parametrize("cells", [["1", "0"], [1, 0], [True, False], [1.0, 0.0], ["1.0", " 0"]])
def test_a_column_a_label(cells):
    rows = table(cells, "toxic", rude=["0", 1])
    task = task_of(label=["toxic", "rude"]).fit(rows)
    assert task.labels == ("toxic", "rude")
    assert task.examples(rows).labels.tolist() == [[1, 0], [0, 1]]
    in_other_order = task_of(label=["toxic", "rude"], labels=["rude", "toxic"])
    assert in_other_order.examples(rows).labels.tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("cells", "options", "message"),
    [
        ([["a"], ["c"]], {"labels": ["a", "b"]}, "row 2: unknown label 'c' in 'labels'; known: a,"),
        ([["a", "b"], ["a", "a"]], {}, "row 2: label 'a' is more than once in 'labels'"),
        ([[1.0, 0.0, 1.0]], {}, "row 1: 'labels' has a 0 or 1 for each label"),
        ([[0, "a"]], {"labels": ["a", "b"]}, "row 1: label 'a' is more than once"),
        ([["a"], None], {}, r"row 2: 'labels' is missing; a row without labels has \[\]"),
        ([["a"], "b"], {}, "row 2: 'labels' is no list of labels: 'b'.*separator"),
        ([["a"], ["b", None]], {}, "row 2: 'labels' is empty"),
        ([["a"], ["b", {}]], {}, "row 2: 'labels' is no text or whole number"),
        (["a", "b||c"], {"separator": "|"}, "row 2: an empty label in 'labels': 'b||c'"),
        (["a", "b|b"], {"separator": "|"}, "row 2: label 'b' is more than once"),
        ([["a"]], {"separator": "|"}, "row 1: 'labels' is no text.*leave `separator` out"),
        ([["a"], []], {}, "there is only 'a' in 'labels'; expected two"),
        ([[], []], {}, "there is none in 'labels'"),
        ([["a"]], {"label": "tags"}, "no column 'tags'; it has: text, labels"),
        ([[1, 2]], {"label": ["labels", "text"]}, "row 1: 'labels' is neither 0 nor 1"),
    ],
)
def test_bad_cells_are_refused(cells, options, message):
    rows, task = table(cells), task_of(**options)
    with pytest.raises(InputError, match=rf"train\.jsonl: .*{message}|train\.jsonl: {message}"):
        task.fit(rows).examples(rows)


def test_a_label_without_a_column_is_unknown_and_not_absent():
    rows = table([0, 1], "toxic", rude=[0, 1])
    task = task_of(label=["toxic", "rude"], labels=["rude", "sad", "toxic"])
    with pytest.raises(InputError, match=r"names no column for '?sad"):
        task.examples(rows)


def test_lists_for_a_model_that_learned_from_text_with_a_separator():
    task = task_of(separator="|", labels=["a", "b"])
    rows = table([["a"], ["a", "b"]])
    of_lists = get_task({"kind": KIND, "separator": None}, task)
    assert of_lists.examples(rows).labels.tolist() == [[1, 0], [1, 1]]


def test_a_label_that_is_no_unicode():
    with pytest.raises(InputError, match="row 1: 'labels' is not valid Unicode"):
        task_of().fit(table([["\ud800", "b"]]))


@pytest.mark.parametrize("cell", [2, "2", "yes", 0.5, -1])
def test_other_marks_than_0_and_1_are_refused(cell):
    rows = table([0, cell], "toxic", rude=[0, 1])
    with pytest.raises(InputError, match=r"train\.jsonl: row 2: 'toxic' is neither 0 nor 1"):
        task_of(label=["toxic", "rude"]).fit(rows)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": "good"}, "threshold: expected a number from 0 to 1, 'best' or 'best-per"),
        ({"threshold": 1.5}, "threshold: expected a number"),
        ({"threshold": True}, "threshold: expected a number"),
        ({"separator": ""}, "separator: expected text"),
        ({"separator": 3}, "separator: expected text"),
        ({"label": []}, "label: expected names of columns"),
        ({"label": ["a", 1]}, "label: expected names of columns"),
        ({"label": ["a", "a"]}, "label: names a column twice"),
        ({"label": ["a"]}, "label: one column of 0 and 1 are two classes"),
        ({"label": ["a", "b"], "separator": "|"}, "separator: columns of 0 and 1 have none"),
        ({"labels": ["a"]}, "labels: expected two different names"),
        ({"metrics": "accuracy"}, "metrics: no metric 'accuracy' for multi-label.*micro_f1"),
        ({"colour": 1}, "has no option 'colour'; it has: .*separator, threshold"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(InputError, match=f"task: (multi-label-classification )?{message}"):
        task_of(**options)


def test_files_of_each_format(tmp_path):
    rows = [{"text": "a", "labels": ["joy", "love"]}, {"text": "b", "labels": []}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text('text,labels\na,"joy,love"\nb,\n')
    (tmp_path / "a.tsv").write_text("text\tjoy\tlove\na\t1\t1\nb\t0\t0\n")
    options = {"a.csv": {"separator": ","}, "a.tsv": {"label": ["joy", "love"]}}
    for name in ("a.jsonl", "a.parquet", "a.csv", "a.tsv"):
        found = read(tmp_path / name)
        task = task_of(**options.get(name, {})).fit(found)
        assert task.labels == ("joy", "love")
        assert task.examples(found).labels.tolist() == [[1, 1], [0, 0]], name


def test_an_order_of_outputs_is_the_models():
    model = task_from_config(STOCK | {"id2label": {"0": "Love", "1": "Joy"}})
    rows = table([["joy"], ["love", "joy"]])
    task = task_of().fit(rows).for_model(model)
    assert task.labels == ("love", "joy")
    assert task.examples(rows).labels.tolist() == [[0, 1], [1, 1]]
    columns = table([1, 0], "joy", love=[0, 1])
    task = task_of(label=["joy", "love"]).fit(columns).for_model(model)
    assert task.labels == ("love", "joy")
    assert task.examples(columns).labels.tolist() == [[0, 1], [1, 0]]
    with pytest.raises(InputError, match="the model's labels"):
        task_of(labels=["joy", "anger"]).for_model(model)
    with pytest.raises(InputError, match=f"does {KIND}, the task is text-classification"):
        TextClassification().for_model(model)


@pytest.mark.parametrize("options", [{}, {"label": ["joy", "love"]}])
def test_names_are_never_paired_with_outputs_that_have_none(options):
    model = task_from_config(STOCK | {"num_labels": 2})
    rows = table([["joy"], ["love"]]) if not options else table([1, 0], "joy", love=[0, 1])
    with pytest.raises(UnnamedOutputs, match="nothing says which"):
        task_of(**options).fit(rows).for_model(model)
    given = task_of(**options, labels=["love", "joy"]).for_model(model)
    assert given.labels == ("love", "joy")
    assert given.examples(rows).labels.tolist() == [[0, 1], [1, 0]]
    with pytest.raises(UnnamedOutputs, match="unknown label 'joy'"):
        task_of().for_model(model).examples(table([["joy"]]))


def test_numbers_are_outputs_of_a_model():
    model = task_from_config(STOCK | {"num_labels": 3})
    rows = table([[2, 0], [1]])
    assert task_of().fit(rows).for_model(model).examples(rows).labels.tolist() == [
        [1, 0, 1],
        [0, 1, 0],
    ]


LOGITS = np.array([[2.0, -2.0, 0.1], [-3.0, -3.0, -3.0]], np.float32)


def test_predictions_are_the_labels_that_reach_their_threshold():
    task = task_of(labels=["a", "b", "c"])
    first, second = task.decode(LOGITS)
    assert first["labels"] == ["a", "c"]
    assert first["scores"]["a"] == pytest.approx(1 / (1 + np.exp(-2)))
    assert second["labels"] == []
    assert list(second["scores"]) == ["a", "b", "c"]
    assert task_of(labels=["a", "b", "c"], threshold=0.1).decode(LOGITS)[0]["labels"] == [*"acb"]
    assert task.line(first) == "a 0.88, c 0.52"
    assert task.line(second) == "-"
    assert task.cells(first, 1) == [{"labels": "a|c", "scores": "0.8808|0.5250"}]
    assert task.cells(second, 2) == [{"labels": "", "scores": ""}]
    with pytest.raises(InputError, match=r"label 'a\|b' has a '\|' in it"):
        task.cells({"labels": ["a|b"], "scores": {"a|b": 0.5}}, 1)


def test_a_table_of_predictions_is_one_to_train_on():
    task = task_of(labels=["a", "b", "c"], separator="|")
    cells = [task.cells(each, 1)[0]["labels"] for each in task.decode(LOGITS)]
    assert task.examples(table(cells)).labels.tolist() == task.answers(LOGITS).tolist()


@pytest.mark.parametrize("threshold", ["best", "best-per-label", 0.3, None])
def test_thresholds_are_kept_in_the_config(threshold, tmp_path):
    from transformers import BertConfig

    dice = np.random.default_rng(0)
    options = {} if threshold is None else {"threshold": threshold}
    task = task_of(labels=["a", "b", "c"], **options)
    labels = (dice.random((40, 3)) < 0.4).astype(np.float32)
    logits = (dice.normal(size=(40, 3)) + labels - 1).astype(np.float32)
    chosen = task.calibrate(Outputs({"logits": logits}), labels)
    assert task.calibrates == isinstance(threshold, str)
    assert (chosen == task) != task.calibrates
    config = chosen.model_config()
    expected = [threshold or 0.5] * 3
    if task.calibrates:
        assert (
            score(given(logits), labels, chosen)["metric"]
            > score(given(logits), labels, task)["metric"]
        )
        expected = list(chosen.thresholds)
        assert (len(set(expected)) == 1) == (threshold == "best")
    assert config["tinybert"]["task"]["thresholds"] == expected
    BertConfig(architectures=STOCK["architectures"], **config).save_pretrained(tmp_path)
    saved = task_from_config(json.loads((tmp_path / "config.json").read_text()))
    assert saved == chosen
    assert (saved.answers(logits) == chosen.answers(logits)).all()
    # A task that leaves them open has the model's; one with its own has those.
    again = task_of(labels=["a", "b", "c"]).for_model(saved)
    assert (again.cutoffs == chosen.cutoffs).all()
    own = task_of(labels=["a", "b", "c"], threshold=0.9).for_model(saved)
    assert own.calibrated_as(saved).cutoffs.tolist() == [0.9] * 3


def test_stock_models_are_understood():
    task = task_from_config(STOCK | {"id2label": {"0": "a", "1": "b"}})
    assert (task.kind, task.labels, task.cutoffs.tolist()) == (KIND, ("a", "b"), [0.5, 0.5])
    with pytest.raises(InputError, match="one label, there or not"):
        task_from_config(STOCK | {"num_labels": 1})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("thresholds", [0.5]),
        ("thresholds", [0.5, 2]),
        ("threshold", "good"),
        ("separator", 3),
        ("columns", [1, 2]),
    ],
)
def test_a_damaged_config_is_refused(key, value):
    config = task_of(labels=["a", "b"], threshold="best").model_config()
    config["tinybert"]["task"][key] = value
    with pytest.raises(InputError):
        task_from_config(config)


def rows_of(rows=300, labels=5, seed=0):
    dice = np.random.default_rng(seed)
    names = [*"abcde"][:labels]
    sets = dice.random((rows, labels)) < np.linspace(0.5, 0.1, labels)
    return table([[name for name, own in zip(names, row, strict=True) if own] for row in sets])


@pytest.mark.parametrize("metric", ["micro_f1", "macro_f1", "subset_accuracy"])
def test_the_best_constant_answer_is_found(metric):
    found = rows_of(60, 4)
    task = task_of(metrics=metric).fit(found)
    examples = task.examples(found)
    sets = [[(number >> label) & 1 for label in range(4)] for number in range(16)]
    tiled = (np.tile(np.float32([s]) * 20 - 10, (60, 1)) for s in sets)
    best = max(task.score(given(logits), examples.labels)[metric] for logits in tiled)
    assert constant_guess(task, examples) == pytest.approx(best)


def test_a_model_that_answers_all_alike_is_told_so():
    found = rows_of()
    task = task_of().fit(found)
    examples = task.examples(found)
    constant = np.tile(np.float32([3, 3, -3, -3, -3]), (300, 1))
    assert "no better than" in no_better_than_constant(
        score(given(constant), examples.labels, task), task, examples
    )
    good = examples.labels * 4 - 2
    assert (
        no_better_than_constant(score(given(good), examples.labels, task), task, examples) is None
    )


def test_models_agree_on_whole_sets():
    task = task_of(labels=["a", "b"])
    one = np.float32([[1, 1], [1, -1], [-1, -1]])
    other = np.float32([[2, 3], [1, 1], [-1, -5]])
    assert task.agrees(one, other).tolist() == [True, False, True]


def test_each_model_is_compared_by_its_own_thresholds():
    found = rows_of()
    task = task_of(threshold="best").fit(found)
    labels = task.examples(found).labels
    base = labels * 4 - 2
    lower = base - 5  # the same ranks, all of them unlikely
    alone = compare(task, given(lower), given(base), labels)
    tasks = [task.calibrate(Outputs({"logits": each}), labels) for each in (lower, base)]
    fair = compare(tasks[0], given(lower), given(base), labels, tasks[1])
    assert alone["value"] == 0
    assert fair["value"] == fair["base"] == 1
    assert fair["retention_low"] == fair["retention_high"] == 1
