"""`tinybert completion`, by the shells that are here."""

import json
import shutil
import subprocess

import pytest

from tinybert.cli.main import COMMANDS, main


@pytest.fixture
def script(capsys, tmp_path):
    def write(shell):
        assert main(["completion", shell]) == 0
        path = tmp_path / f"tinybert.{shell}"
        path.write_text(capsys.readouterr().out, encoding="utf-8")
        return path

    return write


def said(shell, *arguments):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    ran = subprocess.run([shell, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout.split()


def in_bash(path, *words):
    line = " ".join(f"'{word}'" for word in words)
    program = (
        f"source {path}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _tinybert; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    return said("bash", "-c", program)


def test_bash(script):
    path = script("bash")
    assert in_bash(path, "tinybert", "") == list(COMMANDS)
    assert in_bash(path, "tinybert", "comp") == ["compress", "completion"]
    assert in_bash(path, "tinybert", "compress", "recipe.yaml", "--dr") == ["--dry-run"]
    assert in_bash(path, "tinybert", "completion", "") == ["bash", "zsh", "fish"]
    assert in_bash(path, "tinybert", "info", "ou") == []  # then the shell takes files


def test_fish(script):
    path = script("fish")
    found = said("fish", "-N", "-c", f'source {path}; complete -C "tinybert comp"')
    assert {"compress", "completion"} <= set(found)
    assert "--dry-run" in said(
        "fish", "-N", "-c", f'source {path}; complete -C "tinybert compress --dr"'
    )


def test_zsh(script):
    path = script("zsh")
    said("zsh", "-n", path)
    program = f"compdef() {{ print $@ }}; source {path}; print $+functions[_tinybert]"
    assert said("zsh", "-f", "-c", program) == ["_tinybert", "tinybert", "1"]


def test_json(capsys):
    assert main(["completion", "bash", "--json"]) == 0
    assert "complete -o default" in json.loads(capsys.readouterr().out)["script"]
