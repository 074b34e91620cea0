"""`tinybert augment`: every format in and out, and one clear error for what is wrong."""

import csv
import itertools
import json

import pyarrow.parquet
import pytest

from tiny_models import tiny_model_dir
from tinybert.cli.main import main
from tinybert.data import read

ROWS = [
    ("a good film, really about the sea", "yes"),
    ("a bad film about nothing in the world", "no"),
    ("not my cup of tea, and too long", "no"),
    ("great acting and a very funny story", "yes"),
]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs the command in a folder with rows; gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    with open("rows.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("review", "liked"), *ROWS])

    def call(*arguments):
        code = main(["augment", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def failed(result):
    code, out, err = result
    assert (code, out) == (2, "")
    (line,) = [line for line in err.splitlines() if line.startswith("tinybert: error: ")]
    return line


@pytest.mark.parametrize("suffix", [".tsv", ".csv", ".jsonl", ".parquet"])
def test_rows_and_new_ones(run, tmp_path, suffix):
    code, out, err = run("rows.csv", "--with", "words", "--out", f"more{suffix}")
    assert code == 0, err
    table = read(tmp_path / f"more{suffix}")
    columns = table.columns
    assert [*columns] == ["review", "liked", "source_row", "method"]
    assert [*zip(columns["review"][:4], columns["liked"][:4], strict=True)] == ROWS
    assert columns["method"][:4] == ["original"] * 4
    assert {*columns["method"][4:]} == {"words"}
    assert len(table) > 10
    assert f"{len(table)} rows: 4 original, {len(table) - 4} words" in out
    texts = dict(zip(columns["source_row"][:4], ROWS, strict=True))
    for text, label, source in zip(
        columns["review"], columns["liked"], columns["source_row"], strict=True
    ):
        original, own = texts[source]
        assert label == own
        shared = {*text.split()} & {*original.split()}
        assert len(shared) >= len({*original.split()}) - 2


def test_json_and_the_seed(run, tmp_path):
    found = []
    for seed in ("0", "0", "1"):
        arguments = ("rows.csv", "--with", "words", "--copies", "2", "--seed", seed)
        code, out, _ = run(*arguments, "--out", "more.jsonl", "--json")
        assert code == 0
        report = json.loads(out)
        rows = (tmp_path / "more.jsonl").read_text(encoding="utf-8")
        assert report["rows"] == rows.count("\n") == sum(report["by"].values())
        found.append(rows)
    assert found[0] == found[1] != found[2]


def test_pairs(run, tmp_path):
    (tmp_path / "pairs.jsonl").write_text(
        "\n".join(
            json.dumps({"first": a, "second": b, "label": label, "id": number})
            for number, ((a, label), (b, _)) in enumerate(itertools.pairwise(ROWS))
        ),
        encoding="utf-8",
    )
    code, _, err = run(
        *("pairs.jsonl", "--with", "words", "--out", "more.jsonl"),
        *("--text", "first", "--text", "second"),
    )
    assert code == 0, err
    columns = read(tmp_path / "more.jsonl").columns
    assert {*columns["id"]} == {0, 1, 2}
    assert all(columns["first"])
    assert all(columns["second"])
    assert len(columns["id"]) > 6


def test_texts_alone(run, tmp_path):
    (tmp_path / "texts.txt").write_text("\n".join(text for text, _ in ROWS), encoding="utf-8")
    assert run("texts.txt", "--with", "words", "--out", "more.csv")[0] == 0
    assert [*read(tmp_path / "more.csv").columns] == ["sentence", "source_row", "method"]


WORDS = ["EU", "rejects", "German", "call", "to", "boycott", "lamb", "."]
TAGS = ["B-ORG", "O", "B-MISC", "O", "O", "O", "O", "O"]


def test_words_keep_their_tags(run, tmp_path):
    lines = [f"{word} {tag}" for word, tag in zip(WORDS, TAGS, strict=True)]
    (tmp_path / "rows.conll").write_text("\n".join([*lines, "", *lines[3:], ""]), encoding="utf-8")
    code, _, err = run("rows.conll", "--with", "words", "--copies", "8", "--out", "more.jsonl")
    assert code == 0, err
    columns = read(tmp_path / "more.jsonl").columns
    assert len(columns["tokens"]) > 6
    for words, tags in zip(columns["tokens"], columns["tags"], strict=True):
        original, own = (WORDS, TAGS) if len(words) == 8 else (WORDS[3:], TAGS[3:])
        assert tags == own
        changed = [place for place in range(len(own)) if words[place] != original[place]]
        assert len(changed) <= 1
        assert all(own[place] == "O" and words[place].isalpha() for place in changed)
    assert "write .jsonl or .parquet" in failed(
        run("rows.conll", "--with", "words", "--out", "more.csv")
    )
    assert not (tmp_path / "more.csv").exists()


def test_entities_point_at_the_same_text(run, tmp_path):
    text = "The EU rejects a German call"
    entities = [{"start": 4, "end": 6, "label": "ORG"}, {"start": 17, "end": 23, "label": "MISC"}]
    row = {"text": text, "entities": entities, "id": 7}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row), encoding="utf-8")
    code, _, err = run("rows.jsonl", "--with", "words", "--copies", "20", "--out", "more.parquet")
    assert code == 0, err
    found = pyarrow.parquet.read_table(tmp_path / "more.parquet").to_pylist()
    assert len({row["text"] for row in found}) == len(found) > 3
    assert len({len(row["text"]) for row in found}) > 1, "or nothing had to move"
    for row in found:
        assert row["id"] == 7
        named = [row["text"][each["start"] : each["end"]] for each in row["entities"]]
        assert named == ["EU", "German"]
        assert [each["label"] for each in row["entities"]] == ["ORG", "MISC"]


def test_protected_terms_and_rules(run, tmp_path, caplog):
    (tmp_path / "terms.txt").write_text("cup of tea\n\nacting\n", encoding="utf-8")
    rules = "- {pattern: 'very \\w+'}\n- {pattern: nothing, label: 'yes'}\n"
    (tmp_path / "rules.yaml").write_text(rules, encoding="utf-8")
    code, _, err = run(
        *("rows.csv", "--with", "words", "--copies", "30", "--out", "more.csv"),
        *("--protect", "terms.txt", "--protect", "Film", "--rules", "rules.yaml"),
    )
    assert code == 0, err
    assert "1 rows keep labels that rules contradict; the first is rows.csv: row 3" in caplog.text
    columns = read(tmp_path / "more.csv").columns
    for text, label, source, method in zip(*columns.values(), strict=True):
        original, own = ROWS[int(source) - 2]
        for term in ("cup of tea", "acting", "film", "very funny"):
            assert text.count(term) == original.count(term)
        made = method != "original"
        assert label == ("yes" if made and "nothing" in text else own)
    assert "yes" in {
        label
        for label, source in zip(columns["liked"], columns["source_row"], strict=True)
        if source == "3"
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--with", "wrds"], "augment: with.0: input should be 'words'"),
        (["--with", ""], "augment: with: "),
        (["--with", "words,words"], "words is there twice; for more texts, set copies"),
        (["--with", "words", "--copies", "0"], "copies: input should be greater than 0"),
        (["--with", "words", "--out", "more.txt"], "more.txt: unknown format '.txt'; known: .csv"),
        (["--with", "words", "--out", "."], "unknown format ''"),
        (["--with", "words", "--out", "rows.csv"], "rows.csv is read; name another file"),
        (["--with", "words", "--label", "label"], "rows.csv: no column 'label'; it has: review"),
        (["--with", "words", "--copies", "3", "--set", "copies=2"], "copies is given already"),
        (["--with", "words", "--set", "rules=[{pattern: '(?=good)'}]"], "finds a place, and no"),
        (["--with", "words", "--text", "text"], "rows.csv: no column 'text'; it has: review"),
        (["--with", "words", "--task", "poem"], "task: unknown kind 'poem'"),
        (["--with", "words", "--protect", "none.txt"], "augment: protect.0: none.txt: "),
        (["--with", "words", "--protect", " "], "augment: protect.0: a term is blank"),
        (["--with", "words", "--rules", "none.yaml"], "none.yaml: no such file"),
        (["--with", "words", "--set", "rules=[{pattern: '('}]"], "no regular expression"),
        (["--with", "words", "--set", "rules=[{pattern: 'a*'}]"], "finds the empty text too"),
        (["--with", "words", "--set", "rules=[{pattern: a, label: maybe}]"], "it has: no, yes"),
        (["--with", "words", "--set", "copied=3"], "unknown key; did you mean 'copies'?"),
        (["--with", "words", "--set", "masked_lm.candidates=3"], "masked-lm is not in `with`"),
    ],
)
def test_what_is_wrong_is_said(run, tmp_path, arguments, message):
    arguments = arguments if "--out" in arguments else [*arguments, "--out", "more.csv"]
    assert message in failed(run("rows.csv", *arguments))
    assert not (tmp_path / "more.csv").exists()


def test_rows_that_are_augmented_already(run):
    assert run("rows.csv", "--with", "words", "--out", "more.csv")[0] == 0
    assert "has a column 'source_row' already" in failed(
        run("more.csv", "--with", "words", "--out", "most.csv")
    )


def test_a_cell_that_a_format_cannot_hold(run, tmp_path):
    row = {"text": "a good\tfilm", "label": "x"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row), encoding="utf-8")
    message = failed(run("rows.jsonl", "--with", "words", "--out", "more.tsv"))
    assert "row 2: a cell of 'text' has a tab or a line end in it" in message
    assert not (tmp_path / "more.tsv").exists()


def test_methods_that_read_files(run, tmp_path):
    tiny_model_dir("bert", tmp_path / "bert", "masked-lm")
    (tmp_path / "synonyms.txt").write_text("film, movie\nfunny, witty\n", encoding="utf-8")
    code, out, err = run(
        *("rows.csv", "--with", "synonyms,masked-lm", "--model", "bert", "--copies", "2"),
        *("--set", "synonyms.source=synonyms.txt", "--set", "masked_lm.candidates=3"),
        *("--out", "more.jsonl", "--json"),
    )
    assert code == 0, err
    assert json.loads(out)["by"]["synonyms"] == 3, "one text twice is one text"
    assert json.loads(out)["by"]["masked-lm"] > 2
    columns = read(tmp_path / "more.jsonl").columns
    made = zip(columns["review"], columns["source_row"], columns["method"], strict=True)
    by = [(text, source) for text, source, method in made if method == "synonyms"]
    assert by == [
        (ROWS[0][0].replace("film", "movie"), 2),
        (ROWS[1][0].replace("film", "movie"), 3),
        (ROWS[3][0].replace("funny", "witty"), 5),
    ]
    assert "synonyms" in err, "progress"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--with", "masked-lm"], "masked_lm: needs a model with a masked-LM head: name it by --m"),
        (["--with", "masked-lm", "--model", "no/such/folder"], "no such folder"),
        (["--with", "back-translation"], "back_translation.there: is missing: name two"),
        (["--with", "synonyms", "--set", "synonyms.source=x.txt"], "synonyms.source: x.txt"),
        (["--with", "synonyms", "--set", "synonyms.source=terms.txt"], "no text could be changed"),
    ],
)
def test_methods_without_what_they_read(run, tmp_path, arguments, message):
    (tmp_path / "terms.txt").write_text("aardvark, ant bear\n", encoding="utf-8")
    assert message in failed(run("rows.csv", *arguments, "--out", "more.csv"))
    assert not (tmp_path / "more.csv").exists()


def test_scripts_without_blanks_need_a_model(run, tmp_path):
    rows = "text,label\n这部电影很好看我很喜欢它的演员,1\n我不喜欢这个故事因为它太长了,0\n"
    (tmp_path / "rows.csv").write_text(rows, encoding="utf-8")
    message = failed(run("rows.csv", "--with", "words", "--out", "more.csv"))
    assert "name a model by --model whose tokenizer parts them" in message
    tiny_model_dir("bert", tmp_path / "bert")
    code, _, err = run("rows.csv", "--with", "words", "--model", "bert", "--out", "more.csv")
    assert code == 0, err
    assert len(read(tmp_path / "more.csv")) > 5


def test_tags_and_back_translation(run, tmp_path):
    lines = [f"{word} {tag}" for word, tag in zip(WORDS, TAGS, strict=True)]
    (tmp_path / "rows.conll").write_text("\n".join([*lines, ""]), encoding="utf-8")
    message = failed(run("rows.conll", "--with", "back-translation", "--out", "more.jsonl"))
    assert "augment: with.0: back-translation writes texts anew, and token-class" in message


def test_rules_with_labels_need_a_label_a_row(run, tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"text": "a good film", "labels": ["a", "b"]}\n' * 2)
    arguments = ("--with", "words", "--out", "more.jsonl", "--set")
    message = failed(run("rows.jsonl", *arguments, "rules=[{pattern: good, label: a}]"))
    assert "rules.0.label: rows of multi-label-classification don't have one label" in message


def test_what_is_read_is_not_written_over(run, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("train.tsv", "dev.tsv"):
        (folder / name).write_text("sentence\tlabel\na good film\tyes\na bad one\tno\n")
    before = (folder / "dev.tsv").read_bytes()
    for target in ("data/train.tsv", "data/dev.tsv", "data/new.tsv"):
        said = failed(run("data", "--with", "words", "--out", target))
        assert "data is read; name another file" in said
    assert (folder / "dev.tsv").read_bytes() == before
    (tmp_path / "words.csv").write_text("good, great\n")
    options = ["--with", "synonyms", "--set", "synonyms.source=words.csv", "--out", "words.csv"]
    assert "words.csv is read; name another file" in failed(run("rows.csv", *options))
    assert (tmp_path / "words.csv").read_text() == "good, great\n"
