"""What lies in the current folder, a downloaded model's files say, is not run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tinybert
from tinybert.base.processes import python_command

TRAP = "import pathlib; pathlib.Path(__file__).with_name('sprung').touch(); raise SystemExit(7)\n"
PACKAGES = ("numpy", "tokenizers", "onnxruntime", "torch", "transformers", "filelock")
STANDARD = ("json", "time", "typing", "importlib", "dataclasses", "logging", "pathlib")


@pytest.fixture
def trapped(tmp_path):
    """A folder in which every import is a trap."""
    for name in (*PACKAGES, *STANDARD):
        (tmp_path / f"{name}.py").write_text(TRAP, encoding="utf-8")
    return tmp_path


def run(command, folder, **environment):
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    return subprocess.run(
        command,
        cwd=folder,
        env=outside | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_current_folder_is_not_looked_in(trapped):
    ran = run(python_command("tinybert.measure.worker"), trapped)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert not (trapped / "sprung").exists()


def test_no_bench_looks_there(trapped, tiny_artifact_dir):
    program = (
        "import sys; sys.path.remove(''); from tinybert.cli.main import main; sys.exit(main())"
    )
    options = ["--length", "8", "--repeats", "1", "--threads", "1"]
    ran = run([sys.executable, "-c", program, "bench", tiny_artifact_dir, *options], trapped)
    assert ran.returncode == 0, ran.stderr
    assert not (trapped / "sprung").exists()


def test_our_package_takes_none_from_there_as_a_module_either(trapped):
    for name in STANDARD:  # these are Python's own to look for, before it comes to us
        (trapped / f"{name}.py").unlink()
    ran = run([sys.executable, "-m", "tinybert", "predict", "nowhere/at/all", "x"], trapped)
    assert ran.returncode == 2, ran.stderr
    assert not (trapped / "sprung").exists()


@pytest.mark.parametrize("way", ["PYTHONPATH", "current folder"])
def test_a_package_that_is_not_installed_is_found(tmp_path, way):
    """As `PYTHONPATH=src` and `cd src; python -m tinybert` find it."""
    copy = tmp_path / "copy"
    shutil.copytree(Path(tinybert.__file__).parent, copy / "tinybert")
    program = (
        "from tinybert.base.processes import python_command; import json, sys, tinybert;"
        "sys.stdout.write(json.dumps([tinybert.__file__, python_command('tinybert.where')]))"
    )
    (copy / "tinybert" / "where.py").write_text(
        "import sys\nimport tinybert\ndef main():\n    sys.stdout.write(tinybert.__file__)\n"
    )
    environment = {"PYTHONPATH": str(copy)} if way == "PYTHONPATH" else {}
    folder = tmp_path if environment else copy
    ran = run([sys.executable, "-c", program], folder, **environment)
    assert ran.returncode == 0, ran.stderr
    found, command = json.loads(ran.stdout)
    assert Path(found).is_relative_to(copy)
    ran = run(command, tmp_path, **environment)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert Path(ran.stdout) == Path(found)
