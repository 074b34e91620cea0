"""No file of others is lost: folders that aren't ours are refused, and inputs in our way."""

import json
import shutil
from pathlib import Path

import pytest

from tinybert.claim import check_apart, check_claim, claim, is_published, replaceable
from tinybert.cli import main
from tinybert.errors import InputError
from tinybert.publication import publish_files
from tinybert.runtime.load import load
from tinybert.runtime.manifest import MANIFEST, MARK, OLD_MANIFEST


def contents(folder):
    """All files below a folder with their bytes, ours (the lock and the mark) left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in (".lock", MARK)
    }


def written(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("mine")
    return folder


@pytest.mark.parametrize(
    "names",
    [
        ["student/model.safetensors"],
        ["onnx/mine.onnx", "openvino/mine.xml"],
        ["README.md"],
        ["config.json"],
        ["tokenizer.json"],
        ["recipe.yaml"],
        [".git/config", "pyproject.toml"],
        ["steps/notes.txt"],
        ["steps/01-my-notes/a.txt"],
        ["report.json"],
        ["checksums.json"],
        [".hidden"],
    ],
)
@pytest.mark.parametrize("maker", ["compress", "export"])
def test_a_folder_of_others_is_refused(tmp_path, names, maker):
    written(tmp_path, *names)
    first = sorted(Path(name).parts[0] for name in names)[0]
    with pytest.raises(InputError, match=f"is not empty .* {first!r} is there"):
        claim(tmp_path, maker)
    assert contents(tmp_path) == dict.fromkeys(names, b"mine")


@pytest.mark.parametrize("names", [[], [".gitkeep"], ["lost+found/x"], [".DS_Store"], [".lock"]])
def test_an_empty_folder_is_ours(tmp_path, names):
    written(tmp_path, *names)
    claim(tmp_path, "compress")
    written(tmp_path, "notes.txt")
    check_claim(tmp_path, "compress")
    with pytest.raises(InputError, match="holds what `compress` made"):
        check_claim(tmp_path, "export")


def test_steps_of_an_interrupted_older_run_are_no_one_elses(tmp_path):
    written(
        tmp_path, "steps/.01-finetune-0123456789ab.unfinished/x", "steps/02-student-0123456789ab/y"
    )
    check_claim(tmp_path, "compress")


def test_a_file_is_no_folder(tmp_path):
    with pytest.raises(InputError, match="is a file"):
        check_claim(written(tmp_path, "out") / "out", "compress")


@pytest.fixture
def older(tiny_artifact_dir, tmp_path):
    """An output folder as versions without a mark left it, with files of its user's beside."""
    out = tmp_path / "older"
    shutil.copytree(tiny_artifact_dir, out)
    (out / OLD_MANIFEST).write_text("{}")
    written(out, "student/config.json", "README.md", "steps/01-finetune-0123456789ab/x")
    return written(out, "notes.txt", "student/notes.txt", "onnx/mine.bin", "data/train.tsv")


def test_an_older_output_folder_loads_and_only_its_own_files_go(older):
    mine = {"notes.txt", "student/notes.txt", "onnx/mine.bin", "data/train.tsv"}
    assert load(older, threads=1)(["good"])
    assert not mine & replaceable(older)
    with pytest.raises(InputError, match="holds what `compress` made"):
        check_claim(older, "export")
    claim(older, "compress")
    assert load(older, threads=1)(["good"])
    publish_files(older, {"report.json": "{}"})
    left = set(contents(older)) - {MANIFEST}
    assert left == mine | {"report.json", "steps/01-finetune-0123456789ab/x"}


def overlap(out, path, key="teacher"):
    with pytest.raises(InputError, match=f"{key}: .*(output folder itself|where this run writes)"):
        check_apart(out, [(key, path)], ["student", "onnx", "config.json", "report.json"])


def test_what_a_run_reads_must_not_be_where_it_writes(tmp_path):
    out = written(tmp_path / "out", "student/config.json", "steps/x", "config.json", "onnx/a/b")
    (tmp_path / "link").symlink_to(out)
    (tmp_path / "into").symlink_to(out / "student")
    for path in (
        out,
        tmp_path / "link",
        tmp_path / "out" / ".." / "out",
        out / "student",
        out / "student" / "config.json",
        tmp_path / "into",
        tmp_path / "link" / "student",
        out / "steps" / "01-finetune" / "model",
        out / "onnx" / "a" / "b",
        out / "config.json",
        out / "report.json",
    ):
        overlap(out, path)
    overlap(tmp_path / "link", out / "student")


def test_what_it_reads_may_be_elsewhere_in_the_folder_or_around_it(tmp_path):
    out = written(tmp_path / "out", "data/train.tsv", "mine/student/config.json")
    paths = [out / "data/train.tsv", out / "data", out / "mine/student", tmp_path, Path("/")]
    check_apart(out, [("teacher", path) for path in paths], ["student", "config.json"])


def test_what_was_published_is_ours_though_nobody_foresaw_its_name(tmp_path):
    publish_files(tmp_path, {"vocab.txt": "a", "odd/name": "b"})
    assert is_published(tmp_path, tmp_path / "vocab.txt")
    overlap(tmp_path, tmp_path / "odd/name")
    overlap(tmp_path, tmp_path / "odd")  # a folder that holds it
    (tmp_path / "vocab.txt").write_text("mine")
    assert not is_published(tmp_path, tmp_path / "vocab.txt")


@pytest.fixture
def rows(tmp_path, reviews):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, reviews)))
    return path


@pytest.fixture
def refused(capsys):
    def run(*arguments):
        assert main([str(argument) for argument in arguments]) == 2
        message = capsys.readouterr().err.strip()
        assert message.startswith("tinybert: error: ")
        assert "\n" not in message
        return message

    return run


@pytest.fixture
def world(tmp_path, tiny_bert_dir, rows):
    """A teacher and data of a user's, and a folder with files that no one may touch."""
    shutil.copytree(tiny_bert_dir, tmp_path / "teacher")
    written(tmp_path / "repository", "student/a", "onnx/b", "README.md", "pyproject.toml")
    claim(written(tmp_path / "out", ".lock"), "compress")
    shutil.copytree(tiny_bert_dir, tmp_path / "out" / "student")
    shutil.copytree(tiny_bert_dir, tmp_path / "out" / "steps" / "mine")
    shutil.copy(rows, tmp_path / "out" / "steps" / "rows.jsonl")
    shutil.copytree(tiny_bert_dir, tmp_path / "out" / "onnx" / "teacher")
    shutil.copy(rows, tmp_path / "out" / "report.json")
    (tmp_path / "link").symlink_to(tmp_path / "out" / "student")
    return tmp_path


@pytest.mark.parametrize(
    ("out", "changes"),
    [
        ("teacher", {}),
        ("repository", {}),
        ("", {}),
        ("rows.jsonl", {}),
        ("out", {"teacher": "out/student"}),
        ("out", {"teacher": "link"}),
        ("out", {"teacher": "out"}),
        ("out", {"teacher": "out/steps/mine"}),
        ("out", {"teacher": "out/onnx/teacher"}),
        ("out", {"train": "out/steps/rows.jsonl"}),
        ("out", {"eval": "out/report.json"}),
        ("out", {"unlabeled": ["out/steps/*.jsonl"]}),
        ("out", {"init": "out/student"}),
    ],
)
@pytest.mark.parametrize("flags", [["--dry-run"], ["--fresh"], []])
def test_no_file_is_lost_to_a_run(world, refused, monkeypatch, out, changes, flags):
    monkeypatch.chdir(world)
    changes = dict(changes)
    recipe = {
        "teacher": changes.pop("teacher", "teacher"),
        "task": "text-classification",
        "steps": [{"student": {"layers": 1, "init": changes.pop("init", "teacher")}}],
        "data": {"train": "rows.jsonl", "eval": "rows.jsonl", **changes},
    }
    (world / "recipe.yaml").write_text(json.dumps(recipe))
    before = contents(world)
    message = refused("compress", "recipe.yaml", "--out", out, *flags)
    assert "--out" in message or "another folder" in message
    assert contents(world) == before


@pytest.mark.parametrize("out", ["teacher", "repository", "out", "rows.jsonl", ""])
def test_no_file_is_lost_to_an_export(world, refused, monkeypatch, out):
    monkeypatch.chdir(world)
    before = contents(world)
    refused("export", "teacher", "--to", "onnx", "--out", out)
    assert contents(world) == before


def test_the_recipe_itself_may_be_the_published_one_but_not_an_edited_one(
    world, refused, monkeypatch
):
    monkeypatch.chdir(world)
    recipe = {"teacher": "teacher", "task": "text-classification", "data": {"train": "no"}}
    shutil.rmtree(world / "out")
    claim(written(world / "out", ".lock"), "compress")
    publish_files(world / "out", {"recipe.yaml": json.dumps(recipe)})
    assert "no such file" in refused("compress", "out/recipe.yaml", "--out", "out", "--dry-run")
    (world / "out/recipe.yaml").write_text(json.dumps({**recipe, "seed": 1}))
    assert "the recipe: " in refused("compress", "out/recipe.yaml", "--out", "out", "--dry-run")
