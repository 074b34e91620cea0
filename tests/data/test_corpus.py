"""What a corpus may be made of, that it is read as a stream, and that the rest is refused."""

import gzip
import itertools
import json
import sys

import datasets
import huggingface_hub
import pyarrow
import pyarrow.parquet
import pytest

from tinybert.base.errors import InputError
from tinybert.data import lines
from tinybert.data.corpus import PARQUET_ROWS, check_corpus, corpus_files, hash_corpus, read_corpus

PASSAGES = ["The first.", "naïve 日本 🙂", "next\u2028line, \u0085 and \t tab", 'a "quote"']


def as_lines(rows, line_end="\n"):
    return "".join(f"{row}{line_end}" for row in rows).encode()


def as_jsonl(rows, column="text"):
    return as_lines(json.dumps({"id": 7, column: row}) for row in rows)


def as_parquet(path, **columns):
    pyarrow.parquet.write_table(pyarrow.table(columns), path, row_group_size=2)


def corpus(path):
    return list(read_corpus([str(path)]))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", as_lines(PASSAGES)),
        ("a.txt", as_lines(PASSAGES, "\r\n")),
        ("a.txt", b"\xef\xbb\xbf" + as_lines(PASSAGES).rstrip(b"\n")),
        ("a.txt", b"\n \n" + as_lines(f"  {text}\t\n" for text in PASSAGES)),
        ("a.b.txt.gz", gzip.compress(as_lines(PASSAGES), mtime=0)),
        ("a.txt.gz", b"".join(gzip.compress(as_lines([text]), mtime=0) for text in PASSAGES)),
        ("a.jsonl", as_jsonl(PASSAGES)),
        ("a.jsonl", as_jsonl(PASSAGES, column="body").replace(b"\n", b"\n\n")),
        ("a.jsonl", as_jsonl([None, *PASSAGES, " ", None])),
        ("a.jsonl.gz", gzip.compress(as_jsonl(PASSAGES), mtime=0)),
        ("[a].txt", as_lines(PASSAGES)),
    ],
)
def test_every_line_that_is_not_empty_is_a_passage(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert corpus(tmp_path / name) == PASSAGES


def test_jsonl_keeps_the_lines_of_a_passage_together(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(as_jsonl(["one\ntwo\n"]))
    assert corpus(tmp_path / "a.jsonl") == ["one\ntwo"]


@pytest.mark.parametrize("kind", [pyarrow.string(), pyarrow.large_string()])
def test_parquet_is_read_from_its_text_column_or_its_only_one(tmp_path, kind):
    texts = pyarrow.array([*PASSAGES, None, " "], kind)
    as_parquet(tmp_path / "a.parquet", title=["t"] * 6, text=texts)
    as_parquet(tmp_path / "b.parquet", body=texts, score=[1] * 6)
    assert corpus(tmp_path / "a.parquet") == corpus(tmp_path / "b.parquet") == PASSAGES


def test_long_parquet_files_come_whole_and_in_order(tmp_path):
    texts = [str(number) for number in range(3 * PARQUET_ROWS + 1)]
    pyarrow.parquet.write_table(pyarrow.table({"text": texts}), tmp_path / "a.parquet")
    assert corpus(tmp_path / "a.parquet") == texts


def test_sources_are_read_in_order_and_patterns_by_name(tmp_path):
    for name in ("b.txt", "a.txt", "c.jsonl", "deep/er/d.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(as_jsonl([name]) if "jsonl" in name else name.encode())
    sources = [f"{tmp_path}/c.jsonl", f"{tmp_path}/?.txt", f"{tmp_path}/**/d.txt"]
    names = ["c.jsonl", "a.txt", "b.txt", "deep/er/d.txt"]
    assert list(read_corpus(sources)) == names
    assert corpus_files(sources) == [tmp_path / name for name in names]
    assert list(read_corpus([sources[0]] * 2)) == ["c.jsonl"] * 2


def test_lines_are_read_one_at_a_time(tmp_path, monkeypatch):
    """The passages of before a fault come out, and later parts are not touched before."""
    (tmp_path / "a.txt").write_bytes(as_lines(["good"] * 3) + b"\xff\n")
    (tmp_path / "b.txt").write_bytes(b"\xff")
    decoded = []
    decode = lines._decode
    monkeypatch.setattr(lines, "_decode", lambda *line: decoded.append(line) or decode(*line))
    passages = read_corpus([f"{tmp_path}/a.txt", f"{tmp_path}/b.txt"])
    assert list(itertools.islice(passages, 2)) == ["good"] * 2
    assert len(decoded) == 2
    assert next(passages) == "good"
    with pytest.raises(InputError, match=r"a\.txt: line 4: not UTF-8"):
        next(passages)


WHOLE_GZIP = gzip.compress(as_lines(str(number) for number in range(50_000)))
BAD = {
    "latin.txt": (b"good\ncaf\xe9\n", r"latin\.txt: line 2: not UTF-8"),
    "binary.txt": (b"good\n\0\x01", r"binary\.txt: line 2: binary content"),
    "packed.txt": (WHOLE_GZIP, r"packed\.txt: line \d+: (not UTF-8|binary)"),
    "torn.txt.gz": (WHOLE_GZIP[:-20_000], r"torn\.txt\.gz: not a whole gzip file; .* line \d+"),
    "plain.txt.gz": (b"good\n", "not a whole gzip file; broken after line 0"),
    "flipped.jsonl.gz": (WHOLE_GZIP[:50] + b"\xff" * 50, "not a whole gzip file"),
    "latin.txt.gz": (gzip.compress(b"good\ncaf\xe9\n", mtime=0), "line 2: not UTF-8"),
    "empty.txt": (b"", r"empty\.txt: has no text"),
    "empty.txt.gz": (gzip.compress(b"", mtime=0), "has no text"),
    "blank.txt": (b" \n\r\n\n", "has no text"),
    "empty.jsonl": (as_jsonl([None, ""]), "has no text"),
    "torn.jsonl": (as_jsonl(["good"]) + b'\n{"text": ', r"torn\.jsonl: line 3: not JSON"),
    "list.jsonl": (b"[1]\n", "line 1: expected a JSON object"),
    "none.jsonl": (b'{"id": 1}\n', "line 1: no column 'text', and none of strings"),
    "two.jsonl": (b'{"a": "x", "b": null}\n', "line 1: no column 'text', and several.*: a, b;"),
    "number.jsonl": (b'{"text": 1, "title": "t"}\n', "line 1: column 'text' holds no strings"),
    "mixed.jsonl": (as_jsonl(["good", 5]), "line 2: has no text in column 'text'"),
    "missing.jsonl": (as_jsonl(["good"]) + b'{"body": "b"}\n', "line 2: has no text in column"),
    "half.jsonl": (rb'{"text": "\ud83d"}', "line 1: half of a surrogate pair in column 'text'"),
    "torn.parquet": (b"PAR1 and no more", r"torn\.parquet: not a whole Parquet file"),
    "unknown.csv": (b"good", r"unknown\.csv: unknown format '\.csv'; known: \.txt, \.txt\.gz, "),
    "unknown.gz": (b"good", "unknown format"),
    "unknown": (b"good", "unknown format"),
}


@pytest.mark.parametrize("name", BAD)
def test_broken_files_are_refused_with_their_line(tmp_path, name):
    content, message = BAD[name]
    (tmp_path / name).write_bytes(content)
    refuses(tmp_path / name, message)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"text": [1]}, "column 'text' holds no strings"),
        ({"a": ["x"], "b": ["y"]}, "no column 'text', and several of strings: a, b;"),
        ({"a": [1]}, "no column 'text', and none of strings"),
        ({"text": pyarrow.array([], pyarrow.string())}, "has no text"),
        ({"text": [None, " "]}, "has no text"),
    ],
)
def test_parquet_without_a_column_of_texts_is_refused(tmp_path, columns, message):
    as_parquet(tmp_path / "a.parquet", **columns)
    refuses(tmp_path / "a.parquet", rf"a\.parquet: {message}")


def test_parquet_with_a_broken_page_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    as_parquet(path, text=[f"passage {number}" for number in range(1000)])
    content = bytearray(path.read_bytes())
    content[4:200] = b"\xff" * 196
    path.write_bytes(content)
    refuses(path, r"a\.parquet: not a whole Parquet file")


def test_parquet_with_text_that_is_not_utf8_is_refused(tmp_path):
    latin = pyarrow.array([b"caf\xe9"], pyarrow.binary()).view(pyarrow.string())
    as_parquet(tmp_path / "a.parquet", text=latin)
    refuses(tmp_path / "a.parquet", r"a\.parquet: has text that is not UTF-8")


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "has no text"), (b"\n \n", "has no text"), (b"\x00\xff\x89", "")]
)
def test_what_is_no_text_is_found_before_it_is_read_whole(tmp_path, content, said):
    (tmp_path / "fine.txt").write_bytes(as_lines(PASSAGES))
    check_corpus([str(tmp_path / "fine.txt"), "org/name"])
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.txt.*{said}"):
        check_corpus([str(tmp_path / "*.txt")])


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    as_parquet(tmp_path / "a.parquet", text=["good"])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refuses(tmp_path / "a.parquet", r"pip install 'tinybert\[parquet\]'")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("*.txt", r"\*\.txt: no file matches this pattern"),
        ("none.txt", r"none\.txt: no such file"),
        ("folder", r"folder: is a folder; name its files, such as folder/\*\.txt\.gz"),
        ("fold*", "folder: is a folder"),
        ("folder/none", "folder/none: no such file"),
        ("none/a.txt.gz", r"none/a\.txt\.gz: no such file"),
        ("a" * 5000, "no such file"),
        ("nul\0", "no such file"),
    ],
)
def test_what_is_no_file_is_refused_at_once_and_not_looked_up(
    tmp_path, monkeypatch, source, message
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delattr(huggingface_hub.HfApi, "dataset_info")
    (tmp_path / "folder").mkdir()
    for function in (corpus_files, read_corpus, hash_corpus):
        with pytest.raises(InputError, match=message):
            function([source])


def test_an_unreadable_file_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("good")

    def denied(self, mode):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", denied)
    refuses(path, r"a\.txt: can't be read: Permission denied")
    with pytest.raises(InputError, match=r"a\.txt: can't be read: Permission denied"):
        hash_corpus([str(path)])


def test_the_hash_follows_content_order_and_format(tmp_path):
    def hash_of(*names):
        return hash_corpus([str(tmp_path / name) for name in names])

    for name, content in {"a.txt": "{}", "b.txt": "two", "copy.txt": "{}", "a.jsonl": "{}"}.items():
        (tmp_path / name).write_text(content)
    first = hash_of("a.txt", "b.txt")
    assert hash_of("copy.txt", "b.txt") == first == hash_of("[ab].txt")
    hashes = [first, hash_of("b.txt", "a.txt"), hash_of("a.txt"), hash_of("a.jsonl")]
    (tmp_path / "b.txt").write_text("twO")
    hashes.append(hash_of("a.txt", "b.txt"))
    assert len(set(hashes)) == len(hashes)


@pytest.fixture
def hub(monkeypatch):
    """A hub of one data set: rows to be put into this list, and its revision at the end."""
    rows = []

    def load(name, config, split, streaming):
        assert (name, config, split, streaming) == ("org/set", "part", "train", True)
        return (row for row in rows)

    class Builder:
        def __init__(self, name, config):
            self.hash = f"{name} {config} {len(rows)}"

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", lambda self, name, timeout: None)
    monkeypatch.setattr(datasets, "load_dataset", load)
    monkeypatch.setattr(datasets, "load_dataset_builder", Builder)
    return rows


def test_hub_rows_are_streamed(hub):
    hub += [{"text": " one "}, {"text": None}, {"text": "two"}, {"title": "no text"}]
    passages = read_corpus(["org/set:part"])
    assert list(itertools.islice(passages, 2)) == ["one", "two"]
    with pytest.raises(InputError, match="org/set:part: row 4: has no text in column 'text'"):
        next(passages)
    assert corpus_files(["org/set:part"]) == ["org/set:part"]


def test_the_hash_follows_the_revision(hub):
    before = hash_corpus(["org/set:part"])
    assert hash_corpus(["org/set:part"]) == before != hash_corpus(["org/set:other"])
    hub.append({"text": "new"})
    assert hash_corpus(["org/set:part"]) != before


def test_a_hub_that_fails_on_the_way_is_one_clear_line(hub, monkeypatch):
    def rows(*_, **__):
        yield {"text": "good"}
        raise OSError("connection\nlost")

    monkeypatch.setattr(datasets, "load_dataset", rows)
    passages = read_corpus(["org/set:part"])
    assert next(passages) == "good"
    with pytest.raises(InputError, match=r"org/set:part: .*connection lost"):
        next(passages)


def refuses(path, message):
    with pytest.raises(InputError, match=message) as caught:
        corpus(path)
    assert "\n" not in str(caught.value)
