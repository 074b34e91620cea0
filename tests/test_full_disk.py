"""A disk that is full, at any moment of a run: one line, and the same bits once there is room."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

IN_A_NAMESPACE = ["unshare", "--mount", "--propagation", "private"]


@pytest.fixture
def disk(tmp_path):
    """A folder that a small disk can be mounted on."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() or not all(map(shutil.which, ("unshare", "mount"))):
        pytest.skip("mounting a small disk takes root and util-linux")
    command = [*IN_A_NAMESPACE, "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no disk may be mounted here: {tried.stderr.strip()}")
    return folder


@pytest.mark.parametrize(
    "shares",
    [
        pytest.param([0.6], id="one size"),
        pytest.param(
            [tenths / 10 for tenths in range(1, 10)], id="9 sizes", marks=pytest.mark.slow
        ),
    ],
)
def test_a_full_disk(shares, disk, recipe, tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump(recipe()), encoding="utf-8")
    script = Path(__file__).with_name("small_disks.py")
    command = [*IN_A_NAMESPACE, sys.executable, script, disk, file, *map(str, shares)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    undisturbed, *runs = json.loads(done.stdout)
    assert undisturbed["code"] == 0, undisturbed["stderr"]
    assert "onnx/model_quantized.onnx" in undisturbed["content"]
    for run in runs:
        said = run["full"]["stderr"]
        assert run["full"]["code"] == 2, said
        assert "Traceback" not in said
        *_, last = said.splitlines()
        assert last.startswith("tinybert: error: ")
        assert str(disk) in last
        assert run["again"]["code"] == 0, run["again"]["stderr"]
        assert run["content"] == undisturbed["content"]


def test_a_read_only_disk(disk, recipe, tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump(recipe()), encoding="utf-8")
    program = "import sys; from tinybert.cli.main import main; sys.exit(main())"
    script = 'mount -t tmpfs -o ro tmpfs "$1" && shift && exec "$@"'
    run = [sys.executable, "-c", program, "compress", file, "--out", disk / "out"]
    command = [*IN_A_NAMESPACE, "sh", "-c", script, "sh", disk, *run]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr == (
        f"tinybert: error: {disk / 'out'}: can't be an output folder (Read-only file system)\n"
    )
