"""Rows that are held out of the training rows."""

import random
from collections import Counter

import pytest

from tinybert.base.errors import InputError
from tinybert.data import Table
from tinybert.data.hold_out import hold_out, share_of


def table_of(labels, texts=None):
    texts = texts or [f"text {number}" for number in range(len(labels))]
    return Table({"text": texts, "label": labels}, "rows.csv", range(2, len(labels) + 2))


def test_each_label_gives_its_share_and_every_row_is_somewhere():
    labels = random.Random(0).choices(["common", "less", "rare"], [90, 9, 1], k=3000)
    train, held_out = hold_out(table_of(labels), 0.1, ["text"], "label")
    assert len(train) + len(held_out) == 3000
    assert not {*train.columns["text"]} & {*held_out.columns["text"]}
    found, all_of_them = Counter(held_out.columns["label"]), Counter(labels)
    for label in all_of_them:
        assert abs(found[label] - all_of_them[label] / 10) <= 0.5
    first = int(train.columns["text"][0].split()[1])
    assert train.where(0) == f"rows.csv: row {first + 2}"


def test_no_text_is_in_both_parts_nor_twice_among_the_held_out(caplog):
    texts = [
        f"Text  {number % 100}" if number % 2 else f"text {number % 100}" for number in range(900)
    ]
    train, held_out = hold_out(table_of(["a"] * 900, texts), 0.3, ["text"], "label")
    keys = [" ".join(text.lower().split()) for text in held_out.columns["text"]]
    assert len(keys) == len(set(keys)) == 30
    assert not {*keys} & {" ".join(text.lower().split()) for text in train.columns["text"]}
    assert len(train) == 900 - 30 * 9
    assert "240 rows whose text is held out are not learned from" in caplog.text


def test_the_same_rows_are_held_out_in_another_order_of_labels():
    table = table_of(["a", "b"] * 200)
    assert hold_out(table, 0.1, ["text"], "label") == hold_out(table, 0.1, ["text"], "label")


@pytest.mark.parametrize("cells", [[["a", "b"], []] * 100, [[1, 0], [0, 1]] * 100])
def test_lists_are_labels_too(cells):
    _, held_out = hold_out(table_of(cells), 0.1, ["text"], "label")
    assert held_out.columns["label"].count(cells[0]) == 10


@pytest.mark.parametrize("cells", [lambda name: name, lambda name: ["common", name]])
def test_every_label_is_left_to_some_training_row(cells):
    names = [f"rare {number}" for number in range(50)] + ["twice"] * 2 + ["common"] * 300
    labels = [cells(name) for name in names]
    train, held_out = hold_out(table_of(labels), 0.3, ["text"], "label")
    assert {str(label) for label in train.columns["label"]} == {str(label) for label in labels}
    assert not any("rare" in str(label) for label in held_out.columns["label"])


def test_too_few_rows():
    few = r"rows\.csv: 10% of 12 different texts are 1, too few .*; name rows for it"
    with pytest.raises(InputError, match=few):
        hold_out(table_of(["a", "b"] * 6), 0.1, ["text"], "label")
    with pytest.raises(InputError, match=r"are 10, too few .*; hold out 20 or more, or name rows"):
        hold_out(table_of(["a", "b"] * 50), 0.1, ["text"], "label")


@pytest.mark.parametrize(
    ("text", "share"),
    [("10%", 0.1), (" 2.5% ", 0.025), ("100%", None), ("-1%", None), ("10", None), ("a%", None)],
)
def test_shares(text, share):
    assert share_of(text) == share


def test_rows_stay_together_by_what_they_share():
    texts = [f"question {number}" for number in range(400)]
    contexts = [f"context {number // 8}" for number in range(400)]
    table = Table({"question": texts, "context": contexts}, "rows.jsonl")
    train, held_out = hold_out(table, 0.1, ["question", "context"], None, ["context"])
    assert not {*train.columns["context"]} & {*held_out.columns["context"]}
    assert (len(train), len(held_out)) == (360, 40)
    with pytest.raises(InputError, match="1% of 400 different texts are 0"):
        hold_out(table, 0.01, ["question", "context"], None, ["context"])
