"""Words with tags, a word a line."""

import pytest

from tinybert.base.errors import InputError
from tinybert.data import read
from tinybert.data.conll import read_conll
from tinybert.data.layout import CONLL_LAYOUT

TEXT = "-DOCSTART- -X- O O\n\nEU NNP I-NP B-ORG\nrejects VBZ I-VP O\n\n\nPeter NNP I-NP B-PER\n"
WANTED = {"tokens": [["EU", "rejects"], ["Peter"]], "tags": [["B-ORG", "O"], ["B-PER"]]}


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.replace("\n", "\r\n"),
        TEXT.replace(" ", "\t"),
        "\ufeff" + TEXT,
        TEXT.replace("B-ORG", "B-ORG "),
        TEXT.rstrip("\n"),
    ],
)
def test_sentences_are_read_whatever_wrote_them(tmp_path, text):
    (tmp_path / "train.txt").write_text(text, encoding="utf-8", newline="")
    table = read(tmp_path, "train", CONLL_LAYOUT)
    assert table.columns == WANTED
    assert table.where(1).endswith("train.txt: line 7")
    assert table.where(0, 1).endswith("train.txt: line 4")


def test_a_word_may_have_any_other_blank_in_it(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text("10\u00a0000 B-X\nx\u2028y O\n", encoding="utf-8")
    assert read_conll(path).columns["tokens"] == [["10\u00a0000", "x\u2028y"]]


def test_columns_can_be_chosen(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text("1\tNew York\tNNP\n2\tis\tVBZ\n", encoding="utf-8")
    assert read_conll(path, 1, 2).columns == {
        "tokens": [["New York", "is"]],
        "tags": [["NNP", "VBZ"]],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("EU B-ORG\nrejects\n", "line 2: expected a word and its tag"),
        ("EU\tB-ORG\n\tO\n", "line 2: expected a word and its tag"),
        ("-DOCSTART- O\n", "no sent"),
        ("10\u00a0000 NN B-X\nNew York NN B-X\n", "line 2: has 4 columns, and those before it 3"),
        ("a NN O\nfilm B-X\n", "line 2: has 2 columns, and those before it 3"),
        ("# text = a film\n1\ta\tDET\tO\n", "line 2: has 4 columns, and those before it 5|line 2"),
        ("a O\rfilm B-X\r", "line 1: expected a word and its tag"),
        ("1\tEU\tB-ORG\n2\trejects\tO\n\n1\tPeter\tB-PER\n", r"line 1: .*`columns: \[2, -1\]`"),
    ],
)
def test_a_malformed_file_is_refused_with_its_line(tmp_path, text, message):
    path = tmp_path / "a.conll"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_conll(path)


def test_a_folder_may_call_its_splits_otherwise(tmp_path):
    for name in ("train.conll", "dev.txt"):
        (tmp_path / name).write_text("EU B-ORG\n", encoding="utf-8")
    assert read(tmp_path, "train", CONLL_LAYOUT).source.endswith("train.conll")
    assert read(tmp_path, "eval", CONLL_LAYOUT).source.endswith("dev.txt")
    (tmp_path / "dev.txt").unlink()
    with pytest.raises(InputError, match=r"no valid\.txt; a folder in CoNLL layout has train\.txt"):
        read(tmp_path, "eval", CONLL_LAYOUT)


def test_lines_of_text_are_no_table_of_other_tasks(tmp_path):
    (tmp_path / "a.txt").write_text("EU B-ORG\n", encoding="utf-8")
    assert read(tmp_path / "a.txt").columns == {"sentence": ["EU B-ORG"]}
