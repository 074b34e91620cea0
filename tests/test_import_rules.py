import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TRAINING_PACKAGES = ("accelerate", "onnx", "onnx_ir", "pydantic", "torch", "transformers", "yaml")


def test_the_contracts_in_pyproject_are_kept():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_program_predicts_and_describes_where_no_training_package_can_be_imported(
    tiny_artifact_dir,
):
    # Static contracts don't see what the __init__ of a parent package drags in.
    script = (
        "import sys; sys.modules.update(dict.fromkeys(sys.argv[2:]));"
        "from tinybert.cli.main import main;"
        "sys.exit(main(['predict', sys.argv[1], 'good']) + main(['info', sys.argv[1]]))"
    )
    command = [sys.executable, "-c", script, tiny_artifact_dir, *TRAINING_PACKAGES]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_faults_of_a_recipe_are_told_without_pytorch(tmp_path):
    """Which takes seconds to import. Imports within functions are why this is no contract."""
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("teacher: x\ntask: text-classification\nsteps: [{distil: {}}]\n")
    script = (
        "import sys; from tinybert.cli.main import main; code = main(['compress', sys.argv[1]]);"
        "assert not {'torch', 'transformers'} & {*sys.modules}; sys.exit(code)"
    )
    command = [sys.executable, "-c", script, recipe]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1), ran.stderr
    assert "did you mean 'distill'?" in ran.stderr


@pytest.mark.parametrize("command", [["predict", "MODEL", "good"], ["info", "MODEL"]])
def test_what_only_unix_has_is_not_needed_to_run_a_model(tiny_artifact_dir, command):
    script = (
        "import sys; sys.modules.update(dict.fromkeys(['fcntl', 'grp', 'pwd', 'resource']));"
        "from tinybert.cli.main import main; sys.exit(main())"
    )
    words = [str(tiny_artifact_dir) if word == "MODEL" else word for word in command]
    command = [sys.executable, "-c", script, *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
