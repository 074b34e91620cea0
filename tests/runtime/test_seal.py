"""A sealed folder is whole only where it has just what it had."""

import json
import os

import pytest

from tinybert.runtime.seal import SEAL, is_whole, seal


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "step"
    (folder / "model").mkdir(parents=True)
    (folder / "model/weights").write_text("whole")
    (folder / "step.json").write_text("{}")
    seal(folder)
    assert is_whole(folder)
    return folder


def test_what_is_left_out_may_change(folder):
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints/x").write_text("x")
    assert not is_whole(folder)
    assert is_whole(folder, leave_out=("checkpoints",))


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "model/weights").write_text("torn!"),
        lambda folder: (folder / "model/weights").unlink(),
        lambda folder: (folder / SEAL).unlink(),
        lambda folder: (folder / SEAL).write_text(""),
        lambda folder: (folder / SEAL).write_text("{}"),
        lambda folder: (folder / SEAL).write_text("[" * 200_000),
        lambda folder: (folder / SEAL).write_text('{"/dev/zero": "x"}'),
        lambda folder: (folder / SEAL).write_text('{"../../../dev/zero": "x"}'),
        lambda folder: (folder / "model/config_sentence_transformers.json").write_text("{}"),
        lambda folder: os.mkfifo(folder / "model/pipe"),
    ],
)
def test_what_is_not_as_it_was(folder, damage):
    damage(folder)
    assert not is_whole(folder)


def test_a_seal_that_leaves_out_a_file(folder):
    sums = json.loads((folder / SEAL).read_text())
    del sums["step.json"]
    (folder / SEAL).write_text(json.dumps(sums))
    assert not is_whole(folder)


def test_what_file_managers_leave_is_no_damage(folder):
    (folder / "model/.DS_Store").write_text("x")
    assert is_whole(folder)
