"""`tinybert steps`."""

import json

import pytest

from tinybert.cli.main import main
from tinybert.steps.registry import STEPS


def run(capsys, *arguments):
    assert main(["steps", *arguments]) == 0
    return capsys.readouterr().out


def test_a_line_on_each_step(capsys):
    lines = run(capsys).splitlines()
    assert [line.split()[0] for line in lines] == list(STEPS)
    assert all(len(line.split()) > 5 for line in lines)
    entries = json.loads(run(capsys, "--json"))["steps"]
    assert [entry["name"] for entry in entries] == list(STEPS)


@pytest.mark.parametrize("name", STEPS)
def test_every_setting_of_a_step(name, capsys):
    settings = json.loads(run(capsys, name, "--json"))["settings"]
    own = [setting for setting in settings if "." not in setting["name"]]
    assert [setting["name"] for setting in own] == list(STEPS[name].model_fields)
    assert all(setting["description"] and setting["values"] for setting in settings)
    defaults = {each["name"]: each["default"] for each in own if each["default"] is not None}
    fields = STEPS[name].model_fields
    assert all(fields[key].default == value for key, value in defaults.items())
    text = run(capsys, name)
    for setting in settings:
        assert f"\n{setting['name']}: " in text


def test_settings_within_a_step(capsys):
    names = [each["name"] for each in json.loads(run(capsys, "prune", "--json"))["settings"]]
    assert "distill.epochs" in names


def test_a_step_that_is_not_there(capsys):
    assert main(["steps", "distil"]) == 2
    assert "no step 'distil'; did you mean distill?" in capsys.readouterr().err
