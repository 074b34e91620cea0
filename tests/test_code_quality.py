import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "command",
    ["ruff check --no-cache .", "ruff format --no-cache --check --diff .", "mypy"],
)
def test_nothing_to_complain_about(command):
    tool, *arguments = command.split()
    program = Path(sys.executable).with_name(tool)
    ran = subprocess.run(
        [program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"


def test_docstrings_stand_alone():
    """A fragment that begins with "Of" or "Those" says nothing where its name is not beside it."""
    fragments = re.compile(r'"""(Of|Those|That|These) ')
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (ROOT / "src").rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if fragments.search(line)
    ]
    assert not found
