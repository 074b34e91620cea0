"""Columns are guessed where only one reading is possible."""

import pytest

from tinybert.base.errors import InputError
from tinybert.data import Table
from tinybert.recipe.guess_columns import guess_columns
from tinybert.tasks import get_task

TEXTS = [f"this is text {number}" for number in range(40)]
NAMES = ["bad", "good"] * 20
IDS = [f"row-{number}" for number in range(40)]
NUMBERS = [str(number) for number in range(40)]
VALUES = [str(number / 7) for number in range(40)]
LISTS = [["a"], ["a", "b"]] * 20


@pytest.mark.parametrize(
    ("columns", "kind", "text", "label"),
    [
        ({"sentence": TEXTS, "label": NAMES, "other": NAMES}, "text-classification", 0, 1),
        ({"text": TEXTS, "label": NAMES, "title": TEXTS}, "text-classification", 0, 1),
        ({"id": NUMBERS, "message": TEXTS, "topic": NAMES}, "text-classification", 1, 2),
        ({"key": IDS, "message": TEXTS, "stars": ["1", "5"] * 20}, "text-classification", 1, 2),
        ({"message": TEXTS, "value": VALUES}, "text-regression", 0, 1),
        ({"message": TEXTS, "tags": LISTS}, "multi-label-classification", 0, 1),
        ({"word": IDS, "kind": NAMES}, "text-classification", 0, 1),
        ({"message": TEXTS, "kind": [True, False] * 20}, "text-classification", 0, 1),
    ],
)
def test_one_reading(columns, kind, text, label):
    found = guess_columns(Table(columns, "rows.csv"), None)
    names = list(columns)
    assert (found.kind, found.text, found.label) == (kind, (names[text],), (names[label],))
    assert f"task: {kind}" in found.guessed


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"title": TEXTS, "body": TEXTS, "topic": NAMES},
            "text may be 'title' or 'body'.*--text",
        ),
        ({"body": TEXTS, "topic": NAMES, "author": NAMES}, "label may be 'topic' or 'author'"),
        ({"body": TEXTS, "id": NUMBERS, "key": IDS}, "label is none that is clear: .*--label"),
        ({"topic": NAMES, "author": NAMES}, "text is none that is clear.*topic, author"),
    ],
)
def test_more_than_one_reading_or_none(columns, message):
    with pytest.raises(InputError, match=rf"rows\.csv: the column of {message}"):
        guess_columns(Table(columns, "rows.csv"), None)


def test_what_is_named_is_taken():
    table = Table({"title": TEXTS, "body": TEXTS, "topic": NAMES, "author": NAMES}, "rows.csv")
    found = guess_columns(table, None, ["title", "body"], ["author"])
    assert (found.text, found.label) == (("title", "body"), ("author",))
    assert guess_columns(table, None, ["title"], ["topic", "author"]).kind.startswith("multi")
    with pytest.raises(InputError, match="no column 'x'"):
        guess_columns(table, None, ["x"])


@pytest.mark.parametrize(
    "columns",
    [
        {"tokens": [["a", "b"]], "ner_tags": [["O", "B-X"]]},
        {"words": [["a", "b"]], "labels": [["O", "B-X"]]},
        {"text": ["a b"], "entities": [[{"start": 0, "end": 1, "label": "X"}]]},
    ],
)
def test_entities_have_columns_of_their_own(columns):
    found = guess_columns(Table(columns, "rows.jsonl"), None)
    assert (found.kind, found.text, found.label) == ("token-classification", (), ())


def test_the_columns_of_a_task_come_first():
    pairs = get_task({"kind": "text-classification", "text": ["body", "title"]})
    table = Table({"title": TEXTS, "body": TEXTS, "label": NAMES}, "rows.csv")
    assert guess_columns(table, pairs).text == ("body", "title")
    assert guess_columns(table, pairs).guessed == ()
