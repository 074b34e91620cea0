"""No file of others is lost: folders that aren't ours are refused, and inputs in our way."""

import json
import shutil
from pathlib import Path

import pytest

from tinybert.base.errors import InputError
from tinybert.base.files import hash_path
from tinybert.cli.main import main
from tinybert.formats.load import load
from tinybert.output.claim import check_apart, check_claim, claim, is_published, replaceable
from tinybert.output.publication import publish_files
from tinybert.runtime.manifest import MANIFEST, MARK, OLD_MANIFEST


def contents(folder):
    """All files below a folder with their bytes, ours (the lock and the mark) left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in (".lock", MARK)
    }


def written(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
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


@pytest.mark.parametrize("names", [[], [".gitkeep"], ["lost+found/x"], [".DS_Store"]])
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
    sums = {
        name: hash_path(out / name) for name in ("onnx/model.onnx", "onnx/model_quantized.onnx")
    }
    (out / OLD_MANIFEST).write_text(json.dumps(sums))
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


@pytest.mark.parametrize(
    ("sums", "report"),
    [
        ({"data.zip": "abc"}, {"coverage": 97}),
        ({"data.zip": "0" * 64}, {"schema": 1, "best": "x"}),
        ({"../victim": "0" * 64}, {"schema": 1, "best": "x"}),
        ({}, {"coverage": 97}),
        ({"algorithm": "md5", "files": {}}, {"schema": 1, "best": "x"}),
    ],
)
def test_files_of_these_names_are_common(tmp_path, sums, report):
    out = written(tmp_path / "release", "data.zip", "README.md", "config.json")
    written(tmp_path, "victim")
    (out / OLD_MANIFEST).write_text(json.dumps(sums))
    (out / "report.json").write_text(json.dumps(report))
    before = contents(tmp_path)
    with pytest.raises(InputError, match="is not empty and not an output folder"):
        claim(out, "compress")
    assert contents(tmp_path) == before


def test_a_web_pages_manifest_in_an_older_output_folder(older):
    (older / MANIFEST).write_text('{"name": "my page"}')
    with pytest.raises(InputError, match=r"manifest\.json: is in the way"):
        claim(older, "compress")
    assert load(older, threads=1)(["good"])


def test_a_claim_that_was_killed_before_its_mark(older):
    claim(older, "compress")
    (older / MARK).unlink()
    assert load(older, threads=1)(["good"])
    claim(older, "compress")
    assert (older / MARK).exists()


def test_a_lock_of_someone_else(tmp_path):
    (tmp_path / ".lock").write_text("my notes")
    with pytest.raises(InputError, match="is not empty"):
        claim(tmp_path, "compress")
    (tmp_path / ".lock").write_text("12345")
    claim(tmp_path, "compress")


def test_dates_are_no_steps(tmp_path):
    written(tmp_path, "steps/20240131-baseline-1a2b3c4d5e6f/x")
    with pytest.raises(InputError, match="'steps' is there"):
        check_claim(tmp_path, "compress")


def test_steps_on_another_disk(tmp_path):
    """A link of ours is followed, and what lies behind it is ours to clear."""
    out = written(tmp_path / "out", "notes.txt")
    model = tmp_path / "big/01-finetune-0123456789ab/model"
    written(model, "config.json")
    (out / "steps").symlink_to(tmp_path / "big")
    overlap(out, model)
    overlap(out, out / "steps/01-finetune-0123456789ab/model")
    check_apart(out, [("teacher", tmp_path / "elsewhere")], ["student"])


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
    claim(written(tmp_path / "out"), "compress")
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
    claim(written(world / "out"), "compress")
    publish_files(world / "out", {"recipe.yaml": json.dumps(recipe)})
    assert "no such file" in refused("compress", "out/recipe.yaml", "--out", "out", "--dry-run")
    (world / "out/recipe.yaml").write_text(json.dumps({**recipe, "seed": 1}))
    assert "the recipe: " in refused("compress", "out/recipe.yaml", "--out", "out", "--dry-run")
