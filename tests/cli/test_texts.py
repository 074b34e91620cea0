import io
import json
import sys

import pyarrow
import pyarrow.parquet
import pytest

from tinybert.base.errors import InputError
from tinybert.cli.texts import TextInput
from tinybert.tasks import get_task
from tinybert.tasks.rows import as_row, row_text

ONE = get_task("text-classification")
TWO = get_task("glue/rte")
UNKNOWN = None


def read(task=ONE, reads=1, **given):
    return [row_text(as_row(row)) for row in TextInput(**given).rows(task, reads)]


@pytest.fixture
def lines(tmp_path):
    def write(content, name="texts.txt"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write


@pytest.fixture
def stdin(monkeypatch):
    def give(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return give


def test_texts_on_the_line():
    assert read(texts=["a", "b"]) == ["a", "b"]
    assert read(texts=["a", "b"], pair=True) == [("a", "b")]
    assert read(texts=["a", "b", "c", "d"], pair=True) == [("a", "b"), ("c", "d")]


def test_a_text_a_line(lines):
    path = lines("\ufeffcafé\r\na man\ta woman\r\n\r\nlast\n\n\n")
    assert read(file=path) == ["café", "a man\ta woman", "", "last"]


@pytest.mark.parametrize(
    ("reads", "pair"), [(2, False), (UNKNOWN, True), (1, True)], ids=["known", "unknown", "forced"]
)
def test_pairs_a_line(lines, reads, pair):
    path = lines("a man\ta woman\n\tb\n")
    assert read(TWO, reads, file=path, pair=pair) == [("a man", "a woman"), ("", "b")]


def test_words_with_tags_are_no_lines_of_text(lines):
    with pytest.raises(InputError, match=r"no texts; name it words\.conll"):
        read(file=lines("-DOCSTART- O\n\nEU B-ORG\n", "words.txt"))


def test_only_line_ends_end_lines(lines):
    path = lines("one\u2028still one\x0cstill\u0085one\ntwo\n")
    assert len(read(file=path)) == 2


def test_a_tab_is_not_guessed_about(lines):
    path = lines("a film\na man\ta woman\n")
    with pytest.raises(InputError, match=r"texts\.txt: line 2: has a tab.*--pair"):
        read(reads=UNKNOWN, file=path)


@pytest.mark.parametrize("line", ["one", "a\tb\tc", ""])
def test_a_line_that_is_no_pair(lines, line):
    path = lines(f"a\tb\n{line}\nc\td\n")
    with pytest.raises(InputError, match=r"line 2: expected a pair"):
        read(TWO, 2, file=path)


@pytest.mark.parametrize("given", [{"texts": ["-"]}, {"file": "-"}])
def test_standard_input(stdin, given):
    stdin("one\nzwei ü\n\n".encode())
    assert read(**given) == ["one", "zwei ü"]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"\n\n", "is empty"), (b"a\n\xff\n", "line 2: not UTF-8")],
)
def test_bad_standard_input(stdin, content, message):
    stdin(content)
    with pytest.raises(InputError, match=f"standard input: {message}"):
        read(texts=["-"])


ROWS = [
    {"id": 1, "text": 'he said "no",\nand left', "other": "a\tb"},
    {"id": 2, "text": "naïve 日本", "other": "c"},
]


def as_csv(path):
    import csv

    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ROWS[0])
        writer.writeheader()
        writer.writerows(ROWS)


def as_jsonl(path):
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))


def as_parquet(path):
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)


@pytest.mark.parametrize(
    ("suffix", "write"), [("csv", as_csv), ("jsonl", as_jsonl), ("parquet", as_parquet)]
)
def test_tables_are_read_as_training_reads_them(tmp_path, suffix, write):
    path = tmp_path / f"rows.{suffix}"
    write(path)
    texts = [row["text"] for row in ROWS]
    others = [row["other"] for row in ROWS]
    assert read(file=str(path), columns=["text"]) == texts
    pairs = list(zip(texts, others, strict=True))
    assert read(file=str(path), columns=["text", "other"], reads=2) == pairs
    with pytest.raises(InputError, match="no column 'sentence'; it has: id, text, other; name"):
        read(file=str(path))


def test_a_table_with_the_tasks_own_columns(lines):
    path = lines('sentence\tlabel\nsay "no"\t1\n', "rows.tsv")
    assert read(file=path) == ['say "no"']
    path = lines("sentence2,sentence1\nb,a\n", "rows.csv")
    assert read(TWO, 2, file=path) == [("a", "b")]


def test_an_empty_cell_is_named(lines):
    path = lines("sentence,label\na,1\n ,0\n", "rows.csv")
    with pytest.raises(InputError, match=r"rows\.csv: row 3: 'sentence' is empty"):
        read(file=path)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "no TEXT"),
        ({"texts": ["a"], "file": "f.txt"}, "not both"),
        ({"texts": ["a"], "pair": True}, "two texts make a pair, got 1"),
        ({"texts": ["a", "b", "c"], "pair": True}, "two texts make a pair, got 3"),
        ({"texts": ["a", "-"]}, "stands alone"),
        ({"texts": ["a"], "columns": ["text"]}, "--text"),
        ({"file": "-", "columns": ["text"]}, "--text"),
        ({"file": "f.txt", "columns": ["text"]}, "--text"),
        ({"file": "f.csv", "columns": ["a", "b", "c"]}, "got 3"),
        ({"file": "f.yaml"}, "unknown format '.yaml'.*--file -"),
        ({"file": "f.CSV"}, "unknown format '.CSV'"),
        ({"file": "."}, "folder"),
        ({"file": "none.txt"}, "none.txt"),
        ({"file": "none.csv"}, "none.csv"),
    ],
)
def test_what_can_not_be(given, message):
    with pytest.raises(InputError, match=message):
        read(**given)


def test_a_pair_of_one_column(lines):
    path = lines("sentence\na\n", "rows.csv")
    with pytest.raises(InputError, match="--text twice"):
        read(file=path, pair=True)


def test_words_with_tags_are_no_texts(tmp_path):
    path = tmp_path / "valid.txt"
    path.write_text("EU B-ORG\nrejects O\n\nPeter B-PER\n", encoding="utf-8")
    tokens = get_task({"kind": "token-classification", "labels": ["O", "B-X", "I-X"]})
    with pytest.raises(InputError, match=r"words with tags, no texts; name it valid\.conll"):
        list(TextInput([], file=str(path)).rows(tokens, 1))
    path.write_text("Plan B\nEU rejects\n", encoding="utf-8")
    assert len(list(TextInput([], file=str(path)).rows(tokens, 1))) == 2
