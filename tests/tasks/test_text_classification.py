import numpy as np
import pytest

from tinybert.base.errors import InputError
from tinybert.data import Table
from tinybert.tasks.labels import UnnamedOutputs
from tinybert.tasks.outputs import Outputs
from tinybert.tasks.text_classification import TextClassification
from tinybert.tasks.text_regression import TextRegression


def table(labels, **columns):
    texts = {"sentence": [f"text {row}" for row in range(len(labels))]}
    return Table(texts | {"label": labels} | columns, "train.tsv", range(2, 99))


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["b", "a", "b"], ("a", "b")),
        (["10", "9", "-1"], ("-1", "9", "10")),
        (["10.0", "2.0"], ("2.0", "10.0")),
        (["1", "1.0", "0"], ("0", "1", "1.0")),  # two that are one number: names
        (["1.0", "0.5"], ("0.5", "1.0")),
        ([10, 9, 10], ("9", "10")),
        ([1.0, 0.0], ("0", "1")),
        ([True, False], ("false", "true")),
        ([" yes ", "no"], ("no", "yes")),
    ],
)
def test_labels_come_from_the_training_rows_in_order(cells, names):
    rows = table(cells)
    task = TextClassification().fit(rows)
    assert task.labels == names
    ids = task.examples(rows).labels
    assert ids.dtype == np.int64
    assert [names[label] for label in ids] == [
        str(int(cell) if isinstance(cell, float) else cell).strip().lower() for cell in cells
    ]


def test_given_labels_keep_their_order():
    task = TextClassification(labels=("pos", "neg"))
    assert task.fit(table(["neg", "pos"])) is task
    assert task.examples(table(["neg", "pos"])).labels.tolist() == [1, 0]


def test_named_labels_may_be_numbers_in_the_data():
    task = TextClassification(labels=("neg", "pos"))
    assert task.examples(table(["1", "0", "pos"])).labels.tolist() == [1, 0, 1]


def test_number_names_are_never_taken_for_positions():
    task = TextClassification(labels=("1", "2"))
    with pytest.raises(InputError, match="row 2: unknown label '0'"):
        task.examples(table(["0"]))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "c"], r"train\.tsv: row 3: unknown label 'c' in 'label'; known: a, b"),
        (["a", ""], r"row 3: 'label' is empty"),
        (["a", "  "], r"row 3: 'label' is empty"),
        ([None, "a"], r"row 2: 'label' is empty"),
        ([float("nan"), "a"], r"row 2: 'label' is empty"),
        (["2", "a"], r"row 2: unknown label '2'"),
        ([1.5, "a"], r"row 2: 'label' is no text or whole number: 1\.5"),
        ([["a"], "a"], r"row 2: 'label' is no text or whole number"),
    ],
)
def test_bad_labels_are_refused_with_their_row(labels, message):
    with pytest.raises(InputError, match=message):
        TextClassification(labels=("a", "b")).examples(table(labels))


def test_one_label_is_nothing_to_learn():
    with pytest.raises(InputError, match="every row has the label 'a'"):
        TextClassification().fit(table(["a", "a"]))


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("", "'sentence' is empty"),
        (" \t", "'sentence' is empty"),
        (None, "'sentence' is empty"),
        (3, "'sentence' is not text: 3"),
        (["a"], "'sentence' is not text"),
        ("\ud800", "'sentence' is not valid Unicode"),
    ],
)
def test_bad_texts_are_refused_with_their_row(cell, message):
    rows = table(["a", "b"], sentence=["fine", cell])
    with pytest.raises(InputError, match=f"row 3: {message}"):
        TextClassification(labels=("a", "b")).examples(rows)


def test_pairs_come_from_two_columns():
    task = TextClassification(text=("left", "right"), labels=("a", "b"))
    rows = table(["a"], left=["l"], right=["r"])
    assert task.examples(rows).texts == [("l", "r")]
    with pytest.raises(InputError, match="no column 'right'"):
        task.examples(table(["a"], left=["l"]))


def test_rows_without_labels_are_for_prediction_only():
    task = TextClassification(labels=("a", "b"))
    rows = Table({"sentence": ["x"]}, "a.tsv")
    assert task.examples(rows, labeled=False).labels is None
    with pytest.raises(InputError, match="no column 'label'"):
        task.examples(rows)


def test_predictions_are_a_softmax_even_of_huge_logits():
    task = TextClassification(labels=("a", "b", "c"))
    logits = np.array([[1e4, -1e4, 0], [0, 1, 2]], np.float32)
    first, second = task.decode(logits)
    assert first == {"label": "a", "score": 1.0, "scores": {"a": 1.0, "b": 0.0, "c": 0.0}}
    assert second["label"] == "c"
    assert list(second["scores"].values()) == pytest.approx([0.0900, 0.2447, 0.6652], abs=1e-4)
    assert task.answers(logits).tolist() == [0, 2]


def test_score_gives_every_metric():
    task = TextClassification(labels=("a", "b"), metrics=("f1", "accuracy"))
    logits = np.array([[1, 0], [0, 1], [0, 1], [0, 1]], np.float32)
    scores = task.score(Outputs({"logits": logits}), np.array([0, 1, 0, 1]))
    assert scores == {"f1": pytest.approx(0.8), "accuracy": 0.75}
    assert task.metric == "f1"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metrics": ("bleu",)}, "no metric 'bleu' for text-classification; it has: accuracy"),
        ({"metrics": ()}, "no metrics"),
        ({"metrics": ("f1",), "labels": ("a", "b", "c")}, "use macro_f1"),
        ({"labels": ("a", "a")}, "expected two different names"),
        ({"labels": ("a",)}, "expected two different names"),
        ({"text": ()}, "expected one column or two, got 0"),
        ({"text": ("a", "b", "c")}, "expected one column or two, got 3"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        TextClassification(**options)


OURS = TextClassification(labels=("negative", "positive"))


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        (("negative", "positive"), ("negative", "positive")),
        (("POSITIVE", "NEGATIVE"), ("positive", "negative")),
        (("LABEL_0", "LABEL_1"), ("negative", "positive")),
    ],
)
def test_labels_follow_the_outputs_of_a_model(theirs, expected):
    task = OURS.for_model(TextClassification(labels=theirs))
    assert task.labels == expected
    # A number in the data means what it meant before, wherever the model has its output.
    ids = task.examples(table(["0", "1", "negative"])).labels
    assert [task.labels[label] for label in ids] == ["negative", "positive", "negative"]


def test_numbers_take_the_names_of_a_model():
    task = TextClassification().fit(table(["0", "1"])).for_model(OURS)
    assert task.labels == OURS.labels
    assert task.examples(table(["1"])).labels.tolist() == [1]
    assert TextClassification().for_model(OURS).labels == OURS.labels


def test_positions_count_where_a_model_has_no_names():
    model = TextClassification(labels=("LABEL_0", "LABEL_1"))
    assert model.examples(table(["1", "0"])).labels.tolist() == [1, 0]


def test_names_are_never_paired_by_sorting_with_outputs_that_have_none():
    found = TextClassification().fit(table(["World", "Business"]))
    for names in (("LABEL_0", "LABEL_1"), ("0", "1")):
        model = TextClassification(labels=names)
        with pytest.raises(UnnamedOutputs, match=r"have no names .* labels \(Business, World\)"):
            found.for_model(model)
        given = TextClassification(labels=("World", "Business")).for_model(model)
        assert given.labels == ("World", "Business")
        with pytest.raises(UnnamedOutputs, match="unknown label 'World'"):
            model.examples(table(["World"]))


@pytest.mark.parametrize("names", [("no", "maybe", "yes"), ("LABEL_0", "LABEL_1", "LABEL_2")])
@pytest.mark.parametrize("cells", [["2.0", "0.0", "1.0"], [2, 0, 1], [2.0, 0.0, 1.0]])
def test_whole_numbers_are_the_numbers_of_outputs(names, cells):
    rows = table(cells)
    task = TextClassification().fit(rows).for_model(TextClassification(labels=names))
    assert task.examples(rows).labels.tolist() == [2, 0, 1]
    assert task.examples(table(["1", 1, 1.0, "1.0"])).labels.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("cells", [["0.0", "1"], ["1", "0"]])
def test_numbers_of_labels_that_are_numbers(cells):
    model = TextClassification(labels=("1.0", "0.0"))
    task = TextClassification().fit(table(cells)).for_model(model)
    assert task.examples(table(["1", "0.0"])).labels.tolist() == [0, 1]


@pytest.mark.parametrize("cells", [["1", "2"], ["0", "2"], ["0", "0.0"], ["-1", "0"], ["0", "1.5"]])
def test_numbers_outside_the_outputs_are_refused(cells):
    with pytest.raises(InputError, match="the model's"):
        TextClassification().fit(table(cells)).for_model(OURS)


def test_numbers_mean_nothing_where_names_have_no_order():
    found = TextClassification().fit(table(["World", "Business"]))
    with pytest.raises(InputError, match="unknown label '0'"):
        found.examples(table(["0"]))
    named = found.for_model(TextClassification(labels=("world", "business")))
    assert named.labels == ("World", "Business")
    assert named.examples(table(["0", "World", "Business"])).labels.tolist() == [0, 0, 1]


def test_names_that_differ_in_case_alone_are_not_matched_by_it():
    with pytest.raises(InputError, match="the model's labels"):
        TextClassification(labels=("A", "a", "b")).for_model(TextClassification(labels=("a", "b")))
    with pytest.raises(InputError, match="the model's labels"):
        TextClassification(labels=("A", "a")).for_model(TextClassification(labels=("a", "b")))


def test_names_that_are_numbers_but_no_positions_are_not_matched_with_others():
    with pytest.raises(InputError, match="the model's labels"):
        TextClassification().fit(table(["1", "2"])).for_model(OURS)


@pytest.mark.parametrize(
    "model",
    [
        TextClassification(labels=("negative", "neutral", "positive")),
        TextClassification(labels=("no", "yes")),
        TextRegression(),
    ],
)
def test_a_model_for_something_else_is_refused(model):
    with pytest.raises(InputError, match="the model"):
        OURS.for_model(model)


def test_a_task_without_labels_cannot_be_used_yet():
    with pytest.raises(ValueError, match="call fit"):
        TextClassification().examples(table(["a"]))
