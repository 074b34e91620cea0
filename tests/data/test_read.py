"""What `read` accepts, and that it refuses the rest in one clear line."""

import csv
import json
import sys

import pyarrow
import pyarrow.parquet
import pytest

from tinybert.base.errors import InputError
from tinybert.data import Layout, has_splits, read
from tinybert.data.delimited import read_tsv

ROWS = {
    "sentence": ['he said " stop', "comma, then 'quote'", "line\u2028separator", "naïve 日本 🙂"],
    "label": ["1", "0", "1", "0"],
}


def as_tsv(line_end="\n"):
    lines = ["\t".join(ROWS), *("\t".join(row) for row in zip(*ROWS.values(), strict=True))]
    return line_end.join([*lines, ""]).encode()


@pytest.mark.parametrize(
    "content",
    [
        as_tsv(),
        as_tsv("\r\n"),
        b"\xef\xbb\xbf" + as_tsv(),
        as_tsv().rstrip(b"\n"),
        as_tsv() + b"\n\n",
    ],
    ids=["plain", "crlf", "bom", "no-last-newline", "blank-last-lines"],
)
def test_tsv_keeps_quotes_and_odd_separators(tmp_path, content):
    (tmp_path / "a.tsv").write_bytes(content)
    assert read(tmp_path / "a.tsv").columns == ROWS


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_csv_round_trips_quoted_values_across_lines(tmp_path, line_end, encoding):
    texts = ["a, b", 'say "no"', "two\nlines", "long " * 100_000]
    with open(tmp_path / "a.csv", "w", newline="", encoding=encoding) as file:
        writer = csv.writer(file, lineterminator=line_end)
        writer.writerows([("text", "label"), *((text, 1) for text in texts)])
    table = read(tmp_path / "a.csv")
    assert table.columns == {"text": texts, "label": ["1"] * 4}
    assert table.where(0).endswith("a.csv: row 2")


def test_jsonl_keeps_types_and_fills_missing_keys(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a", "label": 1}\r\n{"text": "b"}\n\n')
    table = read(tmp_path / "a.jsonl")
    assert table.columns == {"text": ["a", "b"], "label": [1, None]}
    assert table.where(1).endswith("a.jsonl: row 2")


def test_parquet_keeps_types(tmp_path):
    columns = {"text": ["a", None], "label": [1, 0]}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet").columns == columns


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"pip install 'tinybert\[parquet\]'"):
        read(tmp_path / "a.parquet")


def test_a_folder_gives_its_splits_by_layout(tmp_path):
    (tmp_path / "train.tsv").write_text("a\tb\n1\t2\n")
    (tmp_path / "other.tsv").write_text("x\ty\n")
    layout = Layout(eval="other.tsv", header=("left", "right"))
    assert read(tmp_path, "train").columns == {"a": ["1"], "b": ["2"]}
    table = read(tmp_path, "eval", layout)
    assert table.columns == {"left": ["x"], "right": ["y"]}
    assert table.where(0).endswith("other.tsv: row 1")
    assert has_splits(tmp_path)
    assert not has_splits(tmp_path / "train.tsv")


def test_rows_that_are_known_to_be_broken_are_left_out(tmp_path, caplog):
    """As GLUE's own code does with a few of QQP's."""
    (tmp_path / "train.tsv").write_text("a\tb\n1\t2\n\n1\n3\t4\n")
    table = read(tmp_path, "train", Layout(broken_rows=True))
    assert table.columns == {"a": ["1", "3"], "b": ["2", "4"]}
    assert table.where(1).endswith("train.tsv: row 5")
    assert "leaving out 2 rows that don't have 2 columns, the first is row 3" in caplog.text
    with pytest.raises(InputError, match="row 3: expected 2 columns, got 1"):
        read(tmp_path, "train")


PARQUET = pyarrow.BufferOutputStream()
pyarrow.parquet.write_table(pyarrow.table({"text": ["a"] * 1000}), PARQUET)
PARQUET_BYTES = PARQUET.getvalue().to_pybytes()

BAD = {
    "empty.tsv": (b"", "the file is empty"),
    "bom-only.tsv": (b"\xef\xbb\xbf", "the file is empty"),
    "blank.csv": (b"\n\r\n \n", "the file is empty"),
    "header-only.tsv": (b"text\tlabel\n", "no rows"),
    "header-only.csv": (b"text,label\r\n\r\n", "no rows"),
    "nul.tsv": (b"text\tlabel\na\t1\nb\0\t1\n", "line 3: binary content"),
    "image.csv": (b"\x89PNG\r\n\x1a\n\0\0", "binary content"),
    "utf16.tsv": ("text\tlabel\na\t1\n".encode("utf-16"), "binary content"),
    "latin1.tsv": ("text\tlabel\ncafé\t1\n".encode("latin-1"), "line 2: not UTF-8"),
    "latin1.jsonl": ('{"a": "é"}'.encode("latin-1"), "line 1: not UTF-8"),
    "short.tsv": (b"text\tlabel\na\t1\nb\n", "row 3: expected 2 columns, got 1"),
    "long.tsv": (b"text\tlabel\na\t1\t2\n", "row 2: expected 2 columns, got 3"),
    "gap.tsv": (b"text\tlabel\n\na\t1\n", "row 2: expected 2 columns, got 1"),
    "long.csv": (b'text,label\n"a\nb",1\nc,1,2\n', "row 3: expected 2 columns, got 3"),
    "open-quote.csv": (b'text,label\na,1\n"b,1\n', "row 3: not CSV"),
    "stray-quote.csv": (b'text,label\n"a"b,1\n', "row 2: not CSV"),
    "twice.tsv": (b"text\ttext\na\tb\n", "column 'text' is there more than once"),
    "twice.csv": (b"text,text\na,b\n", "column 'text' is there more than once"),
    "cut.jsonl": (b'{"text": "a"}\n{"text": "b"', "line 2: not JSON"),
    "gap.jsonl": (b'{"text": "a"}\n\n{"text": "b"}\n', "line 2: not JSON"),
    "list.jsonl": (b'{"text": "a"}\n["b"]\n', "line 2: expected a JSON object .* got list"),
    "nothing.jsonl": (b"{}\n", "line 1: expected a JSON object .* got an empty object"),
    "deep.jsonl": (b"[" * 100_000, "line 1: not usable JSON"),
    "number.jsonl": (b'{"a": ' + b"9" * 5000 + b"}", "line 1: not usable JSON"),
    "text.parquet": (b"text\tlabel\na\t1\n", "not a whole Parquet file"),
    "empty.parquet": (b"", "not a whole Parquet file"),
    "cut.parquet": (PARQUET_BYTES[: len(PARQUET_BYTES) // 2], "not a whole Parquet file"),
    "notes.doc": (
        b"a\n",
        r"unknown format '\.doc'; known: \.conll, \.csv, \.json, \.jsonl, \.parquet, \.tsv, \.txt",
    ),
    "noformat": (b"a\n", "unknown format ''"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_in_one_line(tmp_path, name):
    content, message = BAD[name]
    (tmp_path / name).write_bytes(content)
    refuses(tmp_path / name, f"{name}: .*{message}|{name}: {message}")


def test_parquet_with_a_column_twice_or_no_rows_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    column = pyarrow.array(["a"])
    twice = pyarrow.Table.from_arrays([column, column], names=["text", "text"])
    pyarrow.parquet.write_table(twice, path)
    refuses(path, "column 'text' is there more than once")
    pyarrow.parquet.write_table(pyarrow.table({"text": []}), path)
    refuses(path, "no rows")


@pytest.mark.parametrize("name", ["none.tsv", "none", "a" * 5000, "nul\0"])
def test_missing_files_are_refused(tmp_path, name):
    refuses(tmp_path / name, "no such file or folder")


def test_a_mistyped_path_is_not_looked_up_on_the_hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for name in ("SST-2", "nowhere/train.tsv", "data/SST-2"):
        refuses(name, "no such file or folder$")


def test_a_folder_without_the_split_is_refused(tmp_path):
    (tmp_path / "train.tsv").write_text("a\n1\n")
    refuses(tmp_path, r"no dev\.tsv", split="eval")


def test_an_unreadable_file_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.tsv"
    path.write_text("a\n1\n")

    def denied(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "read_bytes", denied)
    refuses(path, r"a\.tsv: can't be read: Permission denied")


def test_json_lines_of_any_text_come_back(tmp_path):
    texts = ["\u0085next", "tab\tin", 'q"', "\u2028", "🙂"]
    lines = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    (tmp_path / "a.jsonl").write_text(lines, encoding="utf-8")
    assert read(tmp_path / "a.jsonl").columns == {"text": texts}


def refuses(data, message, **options):
    with pytest.raises(InputError, match=message) as caught:
        read(data, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "text;label\na film;1\n", "no column 'text'; .*semicolons.* with commas"),
        ("a.csv", "text\tlabel\na film\t1\n", "no column 'text'; .*tabs"),
        ("a.tsv", "text,label\na film,1\n", "no column 'text'; .*commas.* with tabs"),
        ("a.csv", "text;label\na, long film;1\n", "row 2: expected 1 columns, got 2 .*semicolons"),
        ("a.csv", '"text";"label"\n"a film";"1"\n', "row 1: not CSV: .*semicolons"),
        ("a.csv", 'text;"label"\na film;1\n', "no column 'text'; .*semicolons"),
        ("a.csv", 'text;"label, or not"\na film;1\n', "row 2: expected 2 .* got 1 .*semicolons"),
        ("a.csv", 'id;"text, of it"\n1;a, film\n', "no column 'text'; .*semicolons"),
        ("a.csv", 'text;label\n"a film";1\n', "row 2: not CSV: .*semicolons"),
        ("a.csv", '"the ""text""",label\na film,1\n', r"no column 'text'; it has: .*label$"),
        ("a.csv", "sentence\na; film\n", "no column 'text'; it has: sentence$"),
        ("a.jsonl", '{"a;b": "a film"}\n', "no column 'text'; it has: a;b$"),
        ("a.tsv", 'text\tlabel\n"a\tb"\t1\n', "row 2: .* got 3 .a quoted tab.* as .csv"),
        ("a.tsv", 'text\tlabel\n"a\nb"\t1\n', "row 2: .* got 1 .a quoted tab"),
        ("a.tsv", 'text\tlabel\n12" long\tb\t1\n', "row 2: expected 2 columns, got 3$"),
    ],
)
def test_another_separator_is_hinted_at(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        read(tmp_path / name).column("text")


def test_a_long_list_of_columns_is_cut(tmp_path):
    (tmp_path / "a.tsv").write_text(
        "\t".join(f"column {n}" for n in range(1000)) + "\n" + "\t" * 999
    )
    with pytest.raises(InputError, match="no column 'text'") as caught:
        read(tmp_path / "a.tsv").column("text")
    assert len(str(caught.value)) < len(str(tmp_path)) + 400


QUOTED = {
    "doubled": ('text\tlabel\na\t1\n"say ""no"" now"\t0\n"so ""much"""\t1\n', 3),
    "every name": ('"text"\t"label"\n"a"\t"1"\n', 1),
}


@pytest.mark.parametrize(("content", "row"), QUOTED.values(), ids=QUOTED)
def test_a_tsv_that_looks_quoted_is_warned_of_once(tmp_path, caplog, content, row):
    (tmp_path / "a.tsv").write_text(content)
    table = read(tmp_path / "a.tsv")
    (said,) = [record.getMessage() for record in caplog.records]
    assert f"a.tsv: row {row}: looks quoted" in said
    assert any('"' in cell for values in table.columns.values() for cell in values), "as they stand"


@pytest.mark.parametrize(
    "cell", ['"', '""', '"a"', '"a" and "b"', '""a""', 'a ""b"" c', '"a" ""b"" "c"', '"""']
)
def test_quotes_that_a_text_may_have(tmp_path, caplog, cell):
    (tmp_path / "a.tsv").write_text(f"text\tlabel\n{cell}\t1\n")
    assert read(tmp_path / "a.tsv").columns["text"] == [cell]
    assert not caplog.records


def test_glue_is_not_warned_of(glue, caplog):
    files = sorted(glue.glob("*/*.tsv"))
    assert len(files) > 10
    for file in files:
        read_tsv(file, skip_broken=True)
    assert not [each for each in caplog.records if "quoted" in each.getMessage()]


def test_a_folder_may_have_its_splits_in_another_format(tmp_path):
    for name in ("train", "dev"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"text": name}) + "\n")
    assert read(tmp_path).columns == {"text": ["train"]}
    assert read(tmp_path, "eval").columns == {"text": ["dev"]}
    (tmp_path / "train.csv").write_text("text\na\n")
    with pytest.raises(InputError, match=r"has train\.csv and train\.jsonl; name the file to read"):
        read(tmp_path)
    (tmp_path / "train.tsv").write_text("text\nb\n")  # what GLUE has comes first
    assert read(tmp_path).columns == {"text": ["b"]}
