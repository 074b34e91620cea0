"""A file whose rows stay on the disk says what it would in memory."""

import csv
import json
import random

import pytest

from tinybert.base.errors import InputError
from tinybert.data import stored
from tinybert.data.delimited import read_csv
from tinybert.data.jsonl import read_jsonl
from tinybert.data.read import read
from tinybert.data.stored import StoredCells, open_jsonl
from tinybert.data.stored_csv import open_csv


@pytest.fixture
def large(monkeypatch):
    monkeypatch.setattr(stored, "LARGE", 0)


def as_lists(table):
    return {name: list(cells) for name, cells in table.columns.items()}


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def random_rows(count):
    dice = random.Random(0)
    values = [None, True, 1, 1.0, "1", "", "é" * 9, [1, 2], {"a": 1}, "a film 🎬 \u2028 x"]
    return [
        {"text": f"{number} {dice.choice('ab') * 300}"}
        | {name: dice.choice(values) for name in "abc" if dice.random() < 0.7}
        | {"label": dice.choice(["yes", "no"])}
        for number in range(count)
    ]


@pytest.mark.parametrize("end", ["\n", "", "\n\n \n\r\n"[:2]])
def test_cells_are_those_that_are_read_whole(tmp_path, end):
    path = write(tmp_path / "rows.jsonl", random_rows(200))
    text = path.read_text(encoding="utf-8").removesuffix("\n") + end
    path.write_text("\ufeff" + text.replace("\n", "\r\n", 3), encoding="utf-8", newline="")
    table, whole = open_jsonl(path), read_jsonl(path)
    found, wanted = as_lists(table), as_lists(whole)
    assert found == wanted
    for name in wanted:  # True and 1 are equal
        assert [*map(type, found[name])] == [*map(type, wanted[name])]
    assert isinstance(table.columns["text"], StoredCells)
    assert isinstance(table.columns["label"], list)
    some = [7, 3, 3]
    assert as_lists(table.select(some)) == as_lists(whole.select(some))
    assert table.select(some).where(0) == whole.select(some).where(0)
    assert table.columns["text"][-1] == whole.columns["text"][-1]
    with pytest.raises(IndexError):
        table.columns["text"][200]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"text": "a"}\n{"text": \n', r"line 2: not JSON"),
        (b'{"text": "a"}\n\n{"text": "b"}\n', r"line 2: not JSON"),
        (b'{"text": "a"}\n[1]\n', r"line 2: expected a JSON object"),
        (b'{"text": "a"}\n{"text": "\xff"}\n', r"line 2: not UTF-8"),
        (b'{"text": "a\0"}\n', r"line 1: binary content"),
        (b"", r"is empty"),
        (b"\n\n", r"is empty"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, large, content, message):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read(path)


def test_lines_of_text_are_rows(tmp_path, large):
    path = tmp_path / "rows.txt"
    path.write_bytes("one\r\n\n  \n\u2028 two\nthree".encode())
    assert as_lists(read(path)) == {"sentence": ["one", "\u2028 two", "three"]}


def test_its_hash_changes_with_file_rows_and_column(tmp_path):
    rows = random_rows(50)
    path, other = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    cells = open_jsonl(write(path, rows)).columns["text"]
    same = open_jsonl(write(other, rows)).columns["text"]
    assert cells.hash() == same.hash()
    changed = open_jsonl(write(other, [*rows[:-1], {"text": "x" * 300}])).columns["text"]
    assert len({cells.hash(), changed.hash(), cells[:20].hash(), cells[20:].hash()}) == 4


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("TINYBERT_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("end", ["", "\r\n\r\n"])
def test_rows_of_a_csv_are_those_that_are_read_whole(tmp_path, cache, end):
    path = tmp_path / "rows.csv"
    dice = random.Random(0)
    texts = ['a "quoted" one', "two\nlines", "", "é, 🎬 \u2028", "x" * 500]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows([f"{n} {dice.choice(texts)}", dice.choice("ab")] for n in range(99))
        file.write(end)
    for table in (open_csv(path), open_csv(path)):  # written, and found
        whole = read_csv(path)
        assert as_lists(table) == as_lists(whole)
        assert table.where(3) == whole.where(3)
    assert len([*(tmp_path / "cache" / "rows").glob("*.jsonl")]) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"text,label\na,b,c\n",
        b"text,label\na,b\n\na,b\n",
        b"text,text\na,b\n",
        b"text;label\na;b,c\n",
        b"text,label\n",
        b'text,label\n"a" b,c\n',
        b"text,label\n\xff,b\n",
    ],
)
def test_a_csv_is_refused_as_it_is_when_read_whole(tmp_path, cache, content):
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    said = []
    for reader in (read_csv, open_csv):
        with pytest.raises(InputError) as caught:
            reader(path)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert not [*(tmp_path / "cache" / "rows").glob("*.jsonl")]
