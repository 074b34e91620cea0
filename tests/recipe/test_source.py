import os
import time

import pytest

from tinybert.base.errors import InputError
from tinybert.recipe.source import RecipeSource


def read(path, text):
    path.write_text(text, encoding="utf-8")
    return RecipeSource.read(path)


def test_lines_of_keys_and_entries(tmp_path):
    source = read(tmp_path / "r.yaml", "a: 1\nb:\n  c: 2\n  d:\n    - x\n    - {e: 3}\n")
    assert source.values == {"a": 1, "b": {"c": 2, "d": ["x", {"e": 3}]}}
    assert source.lines == {
        ("a",): 1,
        ("b",): 2,
        ("b", "c"): 3,
        ("b", "d"): 4,
        ("b", "d", 0): 5,
        ("b", "d", 1): 6,
        ("b", "d", 1, "e"): 6,
    }


def test_an_error_has_the_nearest_line(tmp_path):
    source = read(tmp_path / "r.yaml", "a: 1\nb:\n  c: 2\n")
    assert str(source.error(("b", "c"), "wrong")) == f"{tmp_path}/r.yaml:3: b.c: wrong"
    assert str(source.error(("b", "x"), "missing")) == f"{tmp_path}/r.yaml:2: b.x: missing"
    assert str(source.error(("x",), "missing")) == f"{tmp_path}/r.yaml: x: missing"


def test_an_error_names_the_override(tmp_path):
    source = read(tmp_path / "r.yaml", "a: 1\nb:\n  c: 2\n")
    source.override("b.c=3")
    assert str(source.error(("b", "c"), "wrong")) == "--set b.c=3: b.c: wrong"
    assert str(source.error(("a",), "wrong")).startswith(f"{tmp_path}/r.yaml:1: ")


def test_an_override_makes_sections():
    source = RecipeSource({"data": None}, "recipe")
    source.override("data.train=x")
    source.override("task.kind=y")
    assert source.values == {"data": {"train": "x"}, "task": {"kind": "y"}}


def test_a_key_given_twice(tmp_path):
    with pytest.raises(InputError, match=r"r\.yaml:4: key 'c' is given twice"):
        read(tmp_path / "r.yaml", "a: 1\nb:\n  c: 2\n  c: 3\n")


def test_merge_keys_work(tmp_path):
    source = read(tmp_path / "r.yaml", "a: &base {x: 1, y: 2}\nb:\n  <<: *base\n  y: 3\n")
    assert source.values["b"] == {"x": 1, "y": 3}


def test_windows_files_are_read(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    source = RecipeSource.read(path)
    assert source.values == {"a": 1, "b": 2}
    assert source.lines["b",] == 2


@pytest.mark.parametrize(("written", "value"), [("3e-5", 3e-5), ("1E3", 1e3), ("3.0e-5", 3e-5)])
def test_numbers_as_everyone_writes_them(written, value, tmp_path):
    source = read(tmp_path / "r.yaml", f"a: {written}\nb: 0\nc: '{written}'\n")
    source.override(f"b={written}")
    assert source.values == {"a": value, "b": value, "c": written}


def test_a_key_is_named_once():
    source = RecipeSource({"task": "x"}, "recipe.yaml", {("task",): 2})
    error = source.error(("task",), "task: unknown kind 'x'")
    assert str(error) == "recipe.yaml:2: task: unknown kind 'x'"


BOMBS = {
    "lists": "[{}]",
    "mappings": "{{x: [{}]}}",
    "merged keys": "{{<<: [{}]}}",
}


@pytest.mark.parametrize("form", BOMBS.values(), ids=BOMBS)
def test_aliases_that_stand_for_a_billion_values(form, tmp_path):
    lines = ["a0: &a0 {x: 1}"]
    for level in range(1, 10):
        lines.append(f"a{level}: &a{level} " + form.format(", ".join([f"*a{level - 1}"] * 10)))
    began = time.monotonic()
    with pytest.raises(InputError, match=r"r\.yaml:\d+: more than 10,000 values"):
        read(tmp_path / "r.yaml", "\n".join(lines))
    assert time.monotonic() - began < 10


ODD_VALUES = [
    "2020-13-45",
    "!!timestamp x",
    "!!int x",
    "!!float x",
    "!!bool x",
    "0b_",
    "9" * 5000,
    '"\\U00110000"',
    "[" * 3000,
    "{a: " * 3000,
    "- " * 3000,
]


@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda value: value[:12])
def test_values_that_python_can_not_hold(value, tmp_path):
    with pytest.raises(InputError) as refused:
        read(tmp_path / "r.yaml", f"teacher: x\nseed: {value}\n")
    assert str(refused.value).startswith(f"{tmp_path}/r.yaml:")
    assert len(str(refused.value)) < 600
    with pytest.raises(InputError, match=r"^--set seed="):
        RecipeSource({}, "recipe").override(f"seed={value}")


def test_a_value_of_the_command_line_has_no_line_number():
    with pytest.raises(InputError, match=r"^--set seed=\[1: expected "):
        RecipeSource({}, "recipe").override("seed=[1")


def test_a_date_that_is_none_has_its_line(tmp_path):
    with pytest.raises(InputError, match=r"r\.yaml:2: .*month"):
        read(tmp_path / "r.yaml", "teacher: x\nseed: 2020-13-45\n")


@pytest.mark.parametrize("position", ["²", "٣", "9" * 5000, "-1", "1.0", ""])
@pytest.mark.parametrize("path", ["steps.{}.distill.epochs=1", "export.{}=onnx"])
def test_positions_that_are_none(path, position):
    source = RecipeSource({"steps": [{"distill": {}}], "export": ["onnx"]}, "recipe")
    with pytest.raises(InputError, match=r"^--set (steps|export)") as refused:
        source.override(path.format(position))
    assert len(str(refused.value)) < 600


def test_a_file_that_is_no_recipe_by_its_size(tmp_path):
    with pytest.raises(InputError, match="is larger than 262,144 bytes"):
        read(tmp_path / "r.yaml", "a: x\n" * 100_000)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_a_recipe_that_is_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "r.yaml")
    with pytest.raises(InputError, match="is a pipe; expected a file"):
        RecipeSource.read(tmp_path / "r.yaml")


@pytest.mark.parametrize(("text", "value"), [("|", "|"), (">", ">"), ("';'", ";"), ('""', "")])
def test_a_separator_that_means_something_in_yaml(text, value):
    source = RecipeSource({"task": {}}, "recipe")
    source.override(f"task.separator={text}")
    assert source.values["task"]["separator"] == value
