"""`tinybert evaluate`."""

import json

import pytest

from tiny_models import tiny_model_dir
from tinybert.cli.main import main


@pytest.fixture
def said(capsys):
    """Runs the command; returns what it printed."""

    def run(model, data, *options):
        capsys.readouterr()
        code = main(["evaluate", str(model), "--data", str(data), "--json", *options])
        printed = capsys.readouterr()
        return json.loads(printed.out) if code == 0 else printed.err

    return run


def test_the_task_is_the_models_own_unless_it_is_named(tiny_artifact_dir, tmp_path, said):
    data = tmp_path / "eval.tsv"
    data.write_text("sentence\tlabel\ngood\tpositive\na bad film\tnegative\n", encoding="utf-8")
    own = said(tiny_artifact_dir, data)
    assert said(tiny_artifact_dir, data, "--task", "text-classification") == own
    assert own["rows"] == 2
    assert "does one task alone; leave it out" in said(tiny_artifact_dir, data, "--part", "x")


def test_the_options_of_a_task(tmp_path, said):
    model = tiny_model_dir("bert", tmp_path / "model", "multi-label-classification")
    rows = {"lists.jsonl": '{"text": "a film", "labels": ["a", "c"]}\n'}
    rows["columns.csv"] = "text,a,b,c\na film,1,0,1\n"
    rows["cells.csv"] = "text,labels\na film,a;c\n"
    for name, text in rows.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    wanted = said(model, tmp_path / "lists.jsonl", "--set", "threshold=0.3")
    columns = [word for name in "abc" for word in ("--label", name)]
    assert said(model, tmp_path / "columns.csv", *columns, "--set", "threshold=0.3") == wanted
    cells = ("--set", "threshold=0.3", "--set", "separator=;")
    assert said(model, tmp_path / "cells.csv", *cells) == wanted
    assert wanted["metrics"]["lrap"] > 0


@pytest.mark.parametrize(
    ("option", "message"),
    [("separator", "expected OPTION=VALUE"), ("kind=x", "given already"), ("a=1", "no option 'a'")],
)
def test_options_that_are_none(tiny_artifact_dir, files, said, option, message):
    found = said(tiny_artifact_dir, files / "reviews.jsonl", "--set", option)
    assert message in found
    assert found.startswith("tinybert: error: ")


@pytest.mark.parametrize("threshold", ["best", "best-per-label"])
def test_thresholds_are_not_chosen_on_the_rows_that_are_measured(tmp_path, said, threshold):
    model = tiny_model_dir("bert", tmp_path / "model", "multi-label-classification")
    (tmp_path / "rows.jsonl").write_text('{"text": "a film", "labels": ["a"]}\n', encoding="utf-8")
    found = said(model, tmp_path / "rows.jsonl", "--set", f"threshold={threshold}")
    assert "thresholds are chosen on training rows" in found
    assert "error" not in said(model, tmp_path / "rows.jsonl", "--set", "threshold=.4")
