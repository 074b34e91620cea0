"""`predict` of many texts: from files and standard input, to files."""

import csv
import io
import json
import shutil
import sys
import tracemalloc

import pytest

import tinybert
from tinybert.base.errors import InputError
from tinybert.cli.main import main
from tinybert.cli.predictions import CHUNK, predict_all, write_predictions
from tinybert.tasks import get_task

TASK = get_task("text-classification")
TEXTS = ["a good film", "dull", 'the "plot", long', "naïve 日本"]


@pytest.fixture
def one_text(tiny_artifact_dir, tmp_path):
    """The tiny artifact as our own `compress` leaves it: it says that it reads one text."""
    return noted(tiny_artifact_dir, tmp_path / "one", ["sentence"])


@pytest.fixture
def two_texts(tiny_artifact_dir, tmp_path):
    return noted(tiny_artifact_dir, tmp_path / "two", ["first", "second"])


def noted(artifact, folder, columns):
    shutil.copytree(artifact, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["tinybert"] = {"task": {"kind": "text-classification", "text": columns}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


@pytest.fixture
def program(capsys):
    def run(*arguments, code=0):
        capsys.readouterr()
        assert main([*map(str, arguments)]) == code
        said = capsys.readouterr()
        if code:
            assert said.err.count("\n") == 1
            assert said.out == ""
        return said.err if code else said.out

    return run


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "texts.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "text"], *enumerate(TEXTS)])
    return path


def test_a_table_predicts_as_its_texts_do(program, one_text, table):
    said = json.loads(program("predict", one_text, "--file", table, "--text", "text", "--json"))
    assert said["predictions"] == tinybert.load(one_text)(TEXTS)
    error = program("predict", one_text, "--file", table, code=2)
    assert "no column 'sentence'; it has: id, text; name the column of the texts by --text" in error


def test_to_json_lines(program, one_text, table, tmp_path):
    out = tmp_path / "new" / "out.jsonl"
    given = ("predict", one_text, "--file", table, "--text", "text", "--out", out)
    assert program(*given) == f"{out}: 4 predictions\n"
    lines = out.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == tinybert.load(one_text)(TEXTS)
    assert json.loads(program(*given, "--json")) == {"out": str(out), "predictions": 4}
    assert [path.name for path in out.parent.iterdir()] == ["out.jsonl"]


@pytest.mark.parametrize(("suffix", "separator"), [("csv", ","), ("tsv", "\t")])
def test_to_a_table(program, one_text, table, tmp_path, suffix, separator):
    out = tmp_path / f"out.{suffix}"
    program("predict", one_text, "--file", table, "--text", "text", "--out", out)
    with out.open(newline="", encoding="utf-8") as file:
        rows = [*csv.DictReader(file, delimiter=separator)]
    expected = tinybert.load(one_text)(TEXTS)
    assert [row["text"] for row in rows] == TEXTS
    assert [(row["label"], float(row["score"])) for row in rows] == [
        (each["label"], each["score"]) for each in expected
    ]


def test_values_and_odd_labels(tmp_path):
    def written(name, text, prediction, columns=("review",)):
        write_predictions(tmp_path / name, [(text, prediction)], TASK, columns)
        return (tmp_path / name).read_text()

    assert written("a.csv", "dull", {"value": 3.5}) == "review,value\ndull,3.5\n"
    pair = ("dull", "long")
    assert written("a.csv", pair, {"value": 3.5}) == "text,pair,value\ndull,long,3.5\n"
    assert written("a.csv", pair, {"value": 3.5}, ("a", "b")) == "a,b,value\ndull,long,3.5\n"
    odd = {"label": 'a,"b"\n', "score": 0.5, "scores": {}}
    assert [*csv.reader(io.StringIO(written("b.csv", "x", odd)))][1] == ["x", 'a,"b"\n', "0.5"]
    quoted = {"label": '"so"', "score": 0.5, "scores": {}}
    assert written("c.tsv", "x", quoted) == 'review\tlabel\tscore\nx\t"so"\t0.5\n'
    with pytest.raises(InputError, match=r"d\.tsv: a cell of label has a tab or a line end"):
        written("d.tsv", "x", odd)
    with pytest.raises(InputError, match=r"d\.tsv: a cell of review has a tab or a line end"):
        written("d.tsv", "a\tb", quoted)
    assert not [*tmp_path.glob("*d.tsv*")]


def test_standard_input(program, one_text, monkeypatch):
    expected = program("predict", one_text, "good film", "dull\tpositive")
    for given in (["-"], ["--threads", "1", "-"], ["--file", "-"]):
        content = io.BytesIO(b"good film\ndull\tpositive\n")
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content))
        assert program("predict", one_text, *given) == expected


def test_rows_of_json_on_standard_input_are_no_texts(program, one_text, monkeypatch, tmp_path):
    rows = b'{"text": "good film"}\n{"text": "dull"}\n'
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(rows)))
    said = program("predict", one_text, "-", code=2)
    assert "line 1 is a JSON object" in said
    assert "--file F.jsonl --text COLUMN" in said
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{so} it is\n")))
    program("predict", one_text, "-")
    lines = tmp_path / "lines.txt"
    lines.write_bytes(rows)
    assert program("predict", one_text, "--file", lines, "--out", tmp_path / "a.csv")


def test_one_text_is_one_prediction(program, one_text, tmp_path):
    out = tmp_path / "a.jsonl"
    assert program("predict", one_text, "dull", "--out", out) == f"{out}: 1 prediction\n"


def test_a_model_of_one_text_takes_no_pairs(program, one_text, tmp_path):
    model = tinybert.load(one_text)
    for texts in (("a", "b"), ["a", ("a", "b")]):
        with pytest.raises(InputError, match="reads one text at a time, and text"):
            model(texts)
    lines = tmp_path / "lines.txt"
    lines.write_text("good film\tpositive\n")
    (one,) = json.loads(program("predict", one_text, "--file", lines, "--json"))["predictions"]
    assert one == model(["good film\tpositive"])[0]
    for given in (["a", "b", "--pair"], ["--file", lines, "--pair"]):
        assert "one text at a time" in program("predict", one_text, *given, code=2)


def test_a_model_of_pairs_takes_no_single_texts(program, two_texts, tmp_path):
    model = tinybert.load(two_texts)
    expected = model([("a film", "a book")])
    with pytest.raises(InputError, match="reads pairs, and text 1 is one text"):
        model("a film")
    lines = tmp_path / "lines.txt"
    lines.write_text("a film\ta book\n")
    for given in (["a film", "a book", "--pair"], ["--file", lines]):
        said = program("predict", two_texts, *given, "--json")
        assert json.loads(said)["predictions"] == expected
    table = tmp_path / "rows.csv"
    table.write_text("second,first,third\na book,a film,x\n")
    for given in ([], ["--text", "first", "--text", "second"]):
        said = program("predict", two_texts, "--file", table, *given, "--json")
        assert json.loads(said)["predictions"] == expected
    assert "--text twice" in program(
        "predict", two_texts, "--file", table, "--text", "first", code=2
    )


def test_a_stock_model_takes_pairs_that_are_called_so(program, tiny_artifact_dir, tmp_path):
    """Its config.json does not say what it reads: an MNLI model or a reranker looks the same."""
    expected = tinybert.load(tiny_artifact_dir)([("a film", "a book")])
    lines = tmp_path / "lines.txt"
    lines.write_text("a film\ta book\n")
    table = tmp_path / "rows.csv"
    table.write_text("premise,hypothesis\na film,a book\n")
    for given in (
        ["a film", "a book", "--pair"],
        ["--file", lines, "--pair"],
        ["--file", table, "--text", "premise", "--text", "hypothesis"],
    ):
        said = program("predict", tiny_artifact_dir, *given, "--json")
        assert json.loads(said)["predictions"] == expected
    assert "line 1: has a tab" in program("predict", tiny_artifact_dir, "--file", lines, code=2)


def test_a_tokenizer_that_joins_no_pairs(tiny_artifact_dir, tmp_path):
    folder = tmp_path / "joined"
    shutil.copytree(tiny_artifact_dir, folder)
    document = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    document["post_processor"] = None
    (folder / "tokenizer.json").write_text(json.dumps(document), encoding="utf-8")
    settings = {"tokenizer_class": "PreTrainedTokenizerFast"}  # one that is taken as it is
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    model = tinybert.load(folder)
    assert model("a film")
    with pytest.raises(InputError, match="puts nothing between"):
        model(("a film", "a book"))


@pytest.mark.parametrize("name", ["texts.csv", "./texts.csv", "link.csv"])
def test_the_input_is_not_overwritten(program, one_text, table, monkeypatch, name):
    monkeypatch.chdir(table.parent)
    (table.parent / "link.csv").symlink_to(table)
    before = table.read_bytes()
    said = program("predict", one_text, "--file", table, "--text", "text", "--out", name, code=2)
    assert "the texts lie there" in said
    assert table.read_bytes() == before


def test_bad_targets(program, one_text, table, tmp_path):
    given = ("predict", one_text, "--file", table, "--text", "text", "--out")
    assert "unknown format '.txt'" in program(*given, tmp_path / "a.txt", code=2)
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "folder.csv" / "mine").touch()
    assert "is a folder" in program(*given, tmp_path / "folder.csv", code=2)
    assert (tmp_path / "folder.csv" / "mine").exists()


def test_nothing_half_written(program, one_text, tmp_path):
    lines = tmp_path / "lines.txt"
    lines.write_bytes(b"a film\n" * (CHUNK + 1) + b"\xff\n")
    out = tmp_path / "out.jsonl"
    said = program("predict", one_text, "--file", lines, "--out", out, code=2)
    assert f"line {CHUNK + 2}: not UTF-8" in said
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []


class Constant:
    def __call__(self, texts):
        return [{"label": "a", "score": 1.0, "scores": {"a": 1.0}} for _ in texts]


def test_memory_does_not_grow_with_the_texts(tmp_path):
    def peak(rows):
        tracemalloc.start()
        texts = (f"text {row}" for row in range(rows))
        answered = predict_all(Constant(), texts)
        assert write_predictions(tmp_path / "out.jsonl", answered, TASK, ("text",)) == rows
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(20 * CHUNK) < 1.5 * peak(2 * CHUNK)
