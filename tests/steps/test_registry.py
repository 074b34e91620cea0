"""No room but a step's own folder knows the step: adding one is a folder and a line."""

import ast
from pathlib import Path

import pytest

import tinybert
from tinybert.steps.registry import STEPS

SOURCE = Path(tinybert.__file__).parent
CONFIGS = {config.__name__: name for name, config in STEPS.items()}


def folder_of(config):
    return SOURCE.joinpath(*config.__module__.split(".")[1:-1])


def modules():
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in SOURCE.rglob("*.py")]


def is_at_home(path, step):
    return folder_of(STEPS[step]) in path.parents


def test_nobody_asks_for_the_type_of_a_steps_settings():
    found = [
        f"{path}:{node.lineno}"
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", None) in ("isinstance", "issubclass")
        for name in ast.walk(node.args[1])
        if isinstance(name, ast.Name)
        and name.id in CONFIGS
        and not is_at_home(path, CONFIGS[name.id])
    ]
    assert not found


def test_nobody_compares_a_steps_name():
    found = [
        f"{path}:{node.lineno}"
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare | ast.Match)
        for text in ast.walk(node)
        if isinstance(text, ast.Constant)
        and text.value in STEPS
        and not is_at_home(path, text.value)
    ]
    assert not found


@pytest.mark.parametrize("config", STEPS.values(), ids=STEPS)
def test_a_step_is_whole(config):
    assert callable(config().load())
    assert config.__doc__
    assert folder_of(config).parent == SOURCE / "steps"
