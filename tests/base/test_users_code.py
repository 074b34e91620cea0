"""A recipe's own code: read when it is checked, run when it is."""

import sys

import pytest
import yaml

import tinybert
from tinybert.base.errors import InputError
from tinybert.base.users_code import binds, find_module
from tinybert.cli.main import main

TRAP = "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n"
OWN = TRAP + "def late(moment):\n    return {'hidden': moment.share}\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("own"):
            del sys.modules[name]


@pytest.fixture
def check(here, recipe):
    """Writes a recipe that names a schedule and checks it; returns the exit code."""

    def run(name, *options):
        distill = {"distill": {"max_steps": 1, "weights_schedule": name}}
        steps = [recipe()["steps"][1], distill]
        (here / "recipe.yaml").write_text(yaml.safe_dump(recipe(steps=steps)), encoding="utf-8")
        return main(["compress", "recipe.yaml", *(options or ["--dry-run"])])

    return run


@pytest.mark.parametrize("name", ["own:late", "own_package.inner.own:late"])
def test_a_dry_run_runs_nothing(check, here, name):
    module = name.partition(":")[0].replace(".", "/")
    for folder in ("own_package", "own_package/inner"):
        (here / folder).mkdir()
        (here / folder / "__init__.py").write_text(TRAP, encoding="utf-8")
    (here / f"{module}.py").write_text(OWN, encoding="utf-8")
    assert check(name) == 0
    assert not list(here.rglob("ran"))


BAD = {
    "no module": ("own_nowhere:late", ["No module named 'own_nowhere'"]),
    "no module in a package": ("json.own:late", ["No module named 'json.own'"]),
    "no function": ("own:early", ["own.py has no 'early'"]),
    "no name": ("own:", ["own.py has no ''"]),
    "no Python": ("own_text:late", ["invalid syntax"]),
    "relative": (".own:late", ["No module named"]),
}


@pytest.mark.parametrize(("name", "parts"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("options", [["--dry-run"], ["--out", "out"]])
def test_what_can_be_known_without_running_is(check, here, capsys, name, parts, options):
    (here / "own.py").write_text(OWN, encoding="utf-8")
    (here / "own_text.py").write_text("this is a text\n", encoding="utf-8")
    capsys.readouterr()
    assert check(name, *options) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    for part in ["weights_schedule", name, *parts]:
        assert part in said
    assert not list(here.rglob("ran"))


def test_a_run_finds_out_the_rest_before_its_first_step(check, here, capsys):
    (here / "own.py").write_text(OWN.replace("moment.share", "1 / 0"), encoding="utf-8")
    capsys.readouterr()
    assert check("own:late") == 0
    capsys.readouterr()
    assert check("own:late", "--out", "out") == 2
    said = capsys.readouterr().err
    assert "recipe.yaml" in said
    assert "fails at Moment(epoch=0.0, share=0.0): division by zero" in said
    assert not (here / "out").exists()


def test_a_recipe_that_is_read_runs_nothing(here, recipe):
    (here / "own.py").write_text(OWN, encoding="utf-8")
    steps = [recipe()["steps"][1], {"distill": {"weights_schedule": "own:late"}}]
    tinybert.Recipe.from_mapping(recipe(steps=steps))
    assert not (here / "ran").exists()


def test_modules_without_a_file(here):
    assert find_module("sys") is None
    assert find_module("itertools") is None or find_module("itertools").suffix == ".so"
    (here / "own_names" / "deep").mkdir(parents=True)
    (here / "own_names" / "deep" / "late.py").write_text(OWN)
    assert find_module("own_names") is None
    with pytest.raises(ImportError, match=r"own_names\.early"):
        find_module("own_names.early")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def late(): pass", True),
        ("async def late(): pass", True),
        ("class late: pass", True),
        ("import late", True),
        ("from a import b as late", True),
        ("from a import *", True),
        ("late = 1", True),
        ("if 1:\n    late: int = 1", True),
        ("def __getattr__(name): return 1", True),
        ("globals()['late'] = 1", True),
        ("def early(): pass", False),
        ("from a import late as early", False),
        ("", False),
    ],
)
def test_names_that_a_file_makes(tmp_path, source, expected):
    path = tmp_path / "own.py"
    path.write_text(source)
    assert binds(path, "late") is expected


def test_a_schedule_that_is_not_there_is_refused_in_python_too(here, recipe):
    steps = [recipe()["steps"][1], {"distill": {"weights_schedule": "own_nowhere:late"}}]
    with pytest.raises(InputError, match="own_nowhere"):
        tinybert.compress(recipe(steps=steps), here / "out")
