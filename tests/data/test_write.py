import datetime

import pytest

from tinybert.base.errors import InputError
from tinybert.data import read
from tinybert.data.write import check_format, write_table

TEXTS = ['a "quoted" film', "naïve, with commas", "'single'", "\u2028 line"]


@pytest.mark.parametrize("suffix", [".tsv", ".csv", ".jsonl", ".parquet"])
def test_what_is_written_is_read_again(tmp_path, suffix):
    target = tmp_path / f"rows{suffix}"
    columns = {"text": TEXTS, "label": [1, 0, 1, 0], "empty": [None, "x", None, "y"]}
    write_table(target, columns)
    found = read(target).columns
    assert found["text"] == TEXTS
    assert [*map(int, found["label"])] == columns["label"]
    assert [cell or None for cell in found["empty"]] == columns["empty"]
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_lists_are_kept(tmp_path, suffix):
    columns = {"tokens": [["a", "film"], ["b"]], "tags": [["O", "O"], ["O"]]}
    write_table(tmp_path / f"rows{suffix}", columns)
    assert read(tmp_path / f"rows{suffix}").columns == columns


@pytest.mark.parametrize(
    ("name", "cell", "message"),
    [
        ("rows.csv", ["a"], "column 'text' has lists, which a table of text can't hold"),
        ("rows.tsv", {"a": 1}, "column 'text' has lists"),
        ("rows.tsv", "a\nb", "row 2: a cell of 'text' has a tab or a line end"),
        ("rows.jsonl", datetime.date(2026, 1, 1), "row 1: JSON can't hold it"),
        ("rows.jsonl", float("nan"), "row 1: JSON can't hold it"),
        ("rows.xlsx", "a", "unknown format '.xlsx'; known: .csv, .jsonl, .parquet, .tsv"),
    ],
)
def test_what_a_format_cannot_hold(tmp_path, name, cell, message):
    with pytest.raises(InputError, match=message):
        write_table(tmp_path / name, {"text": [cell]})
    assert not [*tmp_path.iterdir()]


def test_mixed_types_in_parquet(tmp_path):
    with pytest.raises(InputError, match="column 'text' can't be written"):
        write_table(tmp_path / "rows.parquet", {"text": ["a", 1]})


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "rows.csv").mkdir()
    with pytest.raises(InputError, match="is a folder; name a file"):
        check_format(tmp_path / "rows.csv")
