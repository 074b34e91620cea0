"""Files that would hang a reader, fill the memory, or fail far from their cause."""

import gzip
import io
import json
import os
from itertools import islice

import pyarrow
import pyarrow.parquet
import pytest

from tinybert.base.errors import InputError
from tinybert.cli.texts import TextInput
from tinybert.data import lines as line_reader
from tinybert.data import read
from tinybert.data.corpus import hash_corpus, read_corpus
from tinybert.tasks import get_task

FORMATS = ["tsv", "csv", "jsonl", "parquet"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_pipe_as_data(suffix, tmp_path):
    path = tmp_path / f"data.{suffix}"
    os.mkfifo(path)
    with pytest.raises(InputError, match=f"data.{suffix}: is a pipe; expected a file"):
        read(path)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs /dev/zero")
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_device_as_data(suffix, tmp_path):
    path = tmp_path / f"data.{suffix}"
    path.symlink_to("/dev/zero")
    with pytest.raises(InputError, match=f"data.{suffix}: is a device; expected a file"):
        read(path)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs /dev/zero")
@pytest.mark.parametrize("suffix", ["txt", "txt.gz", "jsonl", "parquet"])
def test_a_device_as_a_corpus(suffix, tmp_path):
    path = tmp_path / f"corpus.{suffix}"
    path.symlink_to("/dev/zero")
    for use in (hash_corpus, lambda sources: list(islice(read_corpus(sources), 3))):
        with pytest.raises(InputError, match="is a device; expected a file"):
            use([str(path)])


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs /dev/zero")
@pytest.mark.parametrize("suffix", ["txt", "csv"])
def test_a_device_as_texts(suffix, tmp_path):
    path = tmp_path / f"texts.{suffix}"
    path.symlink_to("/dev/zero")
    with pytest.raises(InputError, match="is a device; expected a file"):
        list(TextInput(file=str(path)).rows(get_task("text-classification"), 1))


def test_a_packed_line_of_gigabytes(tmp_path, monkeypatch):
    monkeypatch.setattr(line_reader, "LONGEST_LINE", 1000)
    path = tmp_path / "corpus.txt.gz"
    path.write_bytes(gzip.compress(b"a passage\n" + b"a" * 10**6))
    passages = read_corpus([str(path)])
    assert next(passages) == "a passage"
    with pytest.raises(InputError, match=r"corpus.txt.gz: line 2: is longer than 1,000 bytes"):
        next(passages)


def test_standard_input_without_end_of_line(monkeypatch):
    monkeypatch.setattr(line_reader, "LONGEST_LINE", 1000)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"good\n" + b"a" * 10**6)))
    texts = TextInput(file="-").rows(get_task("text-classification"), 1)
    assert next(texts) == "good"
    with pytest.raises(InputError, match=r"standard input: line 2: is longer than 1,000 bytes"):
        next(texts)


FAR = {
    "year 300,000": pyarrow.array([10**13, None], pyarrow.timestamp("s")),
    "year -300,000": pyarrow.array([-(10**13), None], pyarrow.timestamp("s")),
    "a zone that nobody has": pyarrow.array([1, None], pyarrow.timestamp("ns", "Mars/Olympus")),
    "nanoseconds": pyarrow.array([1, None], pyarrow.timestamp("ns")),
    "a duration": pyarrow.array([2**60, None], pyarrow.duration("s")),
    "a date": pyarrow.array([2**30, None], pyarrow.date32()),
}


@pytest.mark.parametrize("column", FAR.values(), ids=FAR)
def test_a_column_that_python_can_not_hold_beside_those_that_are_read(column, tmp_path):
    path = tmp_path / "data.parquet"
    table = {"sentence": ["good", "bad"], "label": [1, 0], "when": column}
    pyarrow.parquet.write_table(pyarrow.table(table), path)
    found = read(path)
    assert found.column("sentence") == ["good", "bad"]
    assert found.column("label") == [1, 0]
    assert len(found.column("when")) == 2


def test_a_key_that_is_there_twice(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_text('{"text": "a"}\n{"text": "b", "text": "c"}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"data.jsonl: line 2: .*'text' is there more than once"):
        read(path)


def test_a_key_of_its_own_in_each_line(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(json.dumps({f"key{n}": n}) for n in range(1500)), encoding="utf-8")
    with pytest.raises(InputError, match=r"data.jsonl: has more than 1,000 different keys"):
        read(path)


@pytest.mark.parametrize(
    "line", ['{"a":' * 10**5, '{"a": ' + "9" * 5000 + "}", "[" * 10**5, '{"a": "\\ud8'], ids=len
)
def test_json_that_no_one_writes(line, tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(InputError, match=r"data.jsonl: line 1: ") as refused:
        read(path)
    assert len(str(refused.value)) < 600


def test_a_header_of_a_hundred_thousand_columns(tmp_path):
    path = tmp_path / "data.tsv"
    names = [f"column {number}" for number in range(10**5)]
    path.write_text("\t".join([*names, names[7]]) + "\nx\n", encoding="utf-8")
    with pytest.raises(InputError, match="column 'column 7' is there more than once"):
        read(path)
    path.write_text("\t".join(names) + "\n" + "\t".join("x" * 10**5) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column 'sentence'") as refused:
        read(path).column("sentence")
    assert len(str(refused.value)) < 600


def test_one_quote_without_end(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text('sentence,label\n"good,1\n' + "bad,0\n" * 10**5, encoding="utf-8")
    with pytest.raises(InputError, match=r"data.csv: row 2: not CSV: "):
        read(path)
