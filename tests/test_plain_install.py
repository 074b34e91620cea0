"""`pip install tinybert` alone, in an environment of its own: what a user of an artifact has."""

import json
import os
import shutil
import subprocess
import venv
from pathlib import Path

import pytest

import tinybert

ROOT = Path(__file__).parents[1]
TEXTS = ["a good film", "dull", "the plot is very long but the acting is great", ""]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The folder of programs of an environment with the plain install."""
    # The constraints of the checkout, so that both environments compute with the same versions;
    # they leave out which packages there are, and that is what is tested here.
    folder = tmp_path_factory.mktemp("plain")
    # A copy: building in the checkout would leave folders there.
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info"))
    venv.create(folder / "env", with_pip=True)
    programs = folder / "env" / "bin"
    install = [programs / "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", source]
    ran = subprocess.run(install, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return programs


def run(plain, *arguments):
    outside = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return subprocess.run(
        [plain / "tinybert", *arguments], capture_output=True, text=True, env=outside, check=False
    )


def test_no_torch_comes_along(plain):
    script = "import importlib.metadata as m; print(*sorted(d.name for d in m.distributions()))"
    ran = subprocess.run([plain / "python", "-c", script], capture_output=True, text=True)
    names = set(ran.stdout.lower().split())
    assert {"tinybert", "numpy", "onnxruntime", "tokenizers"} <= names
    assert not names & {"torch", "transformers", "onnx", "pydantic", "datasets", "accelerate"}


def test_predictions_are_those_of_this_environment(plain, tiny_artifact_dir):
    ran = run(plain, "predict", tiny_artifact_dir, *TEXTS, "--json")
    assert ran.returncode == 0, ran.stderr
    predictions = json.loads(ran.stdout)["predictions"]
    assert predictions == tinybert.load(tiny_artifact_dir)(TEXTS)


def test_what_needs_no_training_package_works(plain, tiny_artifact_dir):
    ran = run(plain, "info", tiny_artifact_dir, "--json")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["format"] == "onnx"


def test_it_loads_and_predicts_without_what_only_unix_has(plain, tiny_artifact_dir):
    script = (
        "import json, sys; sys.modules.update(dict.fromkeys(['fcntl', 'grp', 'pwd', 'resource']));"
        "import tinybert; print(json.dumps(tinybert.load(sys.argv[1])(json.loads(sys.argv[2]))));"
        "from tinybert.cli.main import main; sys.exit(main(['predict', sys.argv[1], 'a film']))"
    )
    command = [plain / "python", "-c", script, tiny_artifact_dir, json.dumps(TEXTS)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    predictions, answer = ran.stdout.splitlines()
    assert json.loads(predictions) == tinybert.load(tiny_artifact_dir)(TEXTS)
    assert answer.startswith(("negative", "positive"))


@pytest.mark.parametrize("command", [["demo"], ["compress", "recipe.yaml"]])
def test_training_names_the_extra(plain, command):
    ran = run(plain, *command)
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr.count("\n") == 1
    assert "tinybert[train]" in ran.stderr


def test_files_beside_the_code_are_installed(plain):
    script = (
        "from importlib.resources import files; package = files('tinybert');"
        "print([package.joinpath(name).is_file() for name in ('py.typed', 'demo/recipe.yaml')])"
    )
    ran = subprocess.run([plain / "python", "-c", script], capture_output=True, text=True)
    assert ran.stdout.strip() == "[True, True]"
