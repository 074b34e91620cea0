"""Probabilities that come with rows: read by name, checked, and as logits that give them again."""

import json

import numpy as np
import pytest

from tinybert.base.errors import InputError
from tinybert.data.table import Table
from tinybert.recipe.soft_labels import join_soft_labels
from tinybert.tasks import get_task
from tinybert.tasks.text_classification import TextClassification
from tinybert.tasks.thresholds import sigmoid

ROWS = {"sentence": ["a", "b", "c"], "p_pos": ["0.9", "0.2", "0"], "p_neg": [0.1, 0.8, 1]}
COLUMNS = {"pos": "p_pos", "neg": "p_neg"}


def read(columns=COLUMNS, task="text-classification", **changes):
    table = Table({**ROWS, **changes}, "rows.csv")
    task, table = join_soft_labels(get_task(task), table, columns)
    return task.fit(table).examples(table)


def test_columns_are_in_the_order_of_labels_and_the_likeliest_is_the_label():
    rows = read()
    np.testing.assert_allclose(rows.soft_labels, [[0.1, 0.9], [0.8, 0.2], [1, 0]], atol=1e-7)
    assert rows.labels.tolist() == [1, 0, 0]
    assert rows.take([2]).soft_labels.tolist() == [[1, 0]]


def test_labels_that_are_there_stay_the_labels():
    assert read(label=["neg", "neg", "pos"]).labels.tolist() == [0, 0, 1]


def test_of_several_labels_each_stands_alone():
    rows = read(
        {"a": "x", "b": "y"},
        {"kind": "multi-label-classification", "text": "sentence"},
        x=[0.9, 0.9, 0.1],
        y=[0.9, 0.2, 0.1],
    )
    assert rows.labels.tolist() == [[1, 1], [1, 0], [0, 0]]
    task = get_task({"kind": "multi-label-classification", "labels": ["a", "b"]})
    np.testing.assert_allclose(sigmoid(task.soft_logits(rows.soft_labels)), rows.soft_labels, 1e-5)


def test_logits_give_the_probabilities_again_and_are_finite():
    soft = np.array([[0.5, 0.25, 0.25], [1, 0, 0], [np.nan] * 3], np.float32)
    logits = TextClassification(labels=("a", "b", "c")).soft_logits(soft)
    powers = np.exp(logits)
    np.testing.assert_allclose(powers[:2] / powers[:2].sum(1, keepdims=True), soft[:2], atol=1e-5)
    assert np.isfinite(logits[:2]).all()
    assert np.isnan(logits[2]).all()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"p_pos": [0.9, 90, 0]}, "row 2: 'p_pos' is 90, no probability"),
        ({"p_pos": [0.9, -0.2, 0]}, "row 2: 'p_pos' is -0.2, no probability"),
        ({"p_pos": [0.9, "", 0]}, "row 2: 'p_pos' is empty"),
        ({"p_pos": [0.9, "NaN", 0]}, "row 2: 'p_pos' is not a finite number"),
        ({"p_pos": [0.9, "high", 0]}, "row 2: 'p_pos' is not a finite number"),
        ({"p_pos": [0.9, 0.9, 0]}, r"row 2: its soft labels add up to 1\.7, not 1"),
        ({"label": ["neg", "pos", "other"]}, "row 3: unknown label 'other'"),
    ],
)
def test_what_is_no_probability_is_refused_with_its_row(changes, said):
    with pytest.raises(InputError, match=said):
        read(**changes)


def test_rounded_scores_are_taken():
    rows = read(p_pos=[0.33, 0.5, 0.99], p_neg=[0.66, 0.5, 0.0])
    np.testing.assert_allclose(rows.soft_labels.sum(1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"pos": "p_pos", "neg": "p_none"}, "no column 'p_none'"),
        ({"pos": "p_pos"}, "two or more, got 1"),
        ({"pos": "p_pos", "neg": "p_pos"}, "twice"),
        (["p_pos", "p_pos"], "twice"),
    ],
)
def test_columns_must_be_there(columns, said):
    with pytest.raises(InputError, match=said):
        read(columns)


def test_labels_without_a_column_are_named():
    task = TextClassification(labels=("neg", "pos", "none")).with_soft_labels(COLUMNS)
    with pytest.raises(InputError, match="no soft labels for none"):
        task.examples(Table(ROWS, "rows.csv"))


def test_tasks_of_words_and_values_have_none():
    for kind in ("token-classification", "text-regression", "sentence-embedding"):
        with pytest.raises(InputError, match=f"{kind} has none; text-classification and"):
            join_soft_labels(get_task(kind), Table(ROWS, "rows.csv"), COLUMNS)


def test_a_file_has_a_row_for_each(tmp_path):
    file = tmp_path / "scores.csv"
    file.write_text("pos,neg\n0.9,0.1\n0.2,0.8\n0,1\n")
    table = Table({"sentence": ROWS["sentence"], "pos": ["x", "y", "z"]}, "rows.csv")
    task, joined = join_soft_labels(get_task("text-classification"), table, str(file))
    assert task.fit(joined).examples(joined).labels.tolist() == [1, 0, 0]
    assert joined.columns["pos"] == ["x", "y", "z"]
    file.write_text("pos,neg\n0.9,0.1\n")
    with pytest.raises(InputError, match=r"scores\.csv: has 1 rows, and rows\.csv 3"):
        join_soft_labels(get_task("text-classification"), table, str(file))


def test_what_predict_writes_is_read(tmp_path):
    file = tmp_path / "answers.jsonl"
    lines = [{"label": "pos", "scores": {"pos": 0.9, "neg": 0.1}}] * 3
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    table = Table({"sentence": ROWS["sentence"]}, "rows.csv")
    task, joined = join_soft_labels(get_task("text-classification"), table, str(file))
    assert task.fit(joined).examples(joined).soft_labels.tolist() == [pytest.approx([0.1, 0.9])] * 3
    lines[1] = {"scores": {"pos": 0.9, "other": 0.1}}
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(InputError, match=r"answers\.jsonl: row 2: has scores of pos, other, and"):
        join_soft_labels(get_task("text-classification"), table, str(file))


def scored(tmp_path, name, content):
    file = tmp_path / name
    file.write_text(content)
    table = Table({"sentence": ROWS["sentence"]}, "rows.csv")
    return join_soft_labels(get_task("text-classification"), table, str(file))


def test_texts_in_a_file_are_those_of_the_rows(tmp_path):
    rows = "sentence,pos,neg\na,1,0\nb,0,1\nc,1,0\n"
    task, table = scored(tmp_path, "a.csv", rows)
    assert task.fit(table).examples(table).labels.tolist() == [1, 0, 1]
    with pytest.raises(InputError, match=r"a\.csv: row 3: 'sentence' is another than in rows\.csv"):
        scored(tmp_path, "a.csv", rows.replace("b,", "x,"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "pos,neg\n1,0\n0,1\nNaN,0\n", r"a\.csv: row 4: 'pos' is not a finite number"),
        ("a.csv", "label,score\npos,0.9\n" * 1 + "pos,0.8\nneg,0.7\n", "one score a row"),
        ("a.jsonl", '{"scores": {}}\n' * 3, "expected a score for each label"),
        ("a.jsonl", '{"scores": {"a": 1, "b": 0}}\n' * 2 + '{"scores": null}\n', "scores is None"),
        ("a.jsonl", '{"review": "x", "scores": {"a": 1, "b": 0}}\n' * 3, "column 'review' beside"),
    ],
)
def test_files_of_other_things_are_refused_with_their_row(tmp_path, name, content, said):
    with pytest.raises(InputError, match=said):
        scored(tmp_path, name, content)


def test_scores_of_many_labels_may_be_rounded():
    """77 that are rounded to two digits may add up to 0.93."""
    names = [f"label {number}" for number in range(77)]
    columns = {name: [0.0] for name in names} | {names[0]: [0.93]}
    table = Table({"sentence": ["a"], **columns}, "rows.csv")
    task, table = join_soft_labels(get_task("text-classification"), table, names)
    assert task.fit(table).examples(table).soft_labels.max() == pytest.approx(1)
    assert read(p_pos=[1.0000001, 0.2, 0.0], p_neg=[0, 0.8, 1]).soft_labels.max() == 1


def test_labels_have_names():
    with pytest.raises(InputError, match="a label has no name"):
        read({"": "p_pos", "neg": "p_neg"})
