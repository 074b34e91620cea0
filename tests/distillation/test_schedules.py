import sys
from types import ModuleType

import pytest

from tinybert.base.errors import InputError
from tinybert.distillation.config import DistillConfig
from tinybert.distillation.schedules import (
    SCHEDULES,
    Moment,
    check_schedule,
    find_schedule,
    hash_schedule,
    ramp,
    two_phase,
)


def test_the_articles_weights():
    assert ramp(Moment(0, 0)) == {"prediction": 0, "embedding": 0.1, "hidden": 0.1}
    late = {"prediction": 0.8, "embedding": 0, "hidden": 0.1}
    assert ramp(Moment(10, 0.5)) == ramp(Moment(20, 1)) == late


def test_two_phases_share_no_loss():
    first, second = two_phase(Moment(0, 0.49)), two_phase(Moment(0, 0.5))
    assert not set(first) & set(second)
    assert set(first) | set(second) == {
        "prediction",
        "label",
        "similarities",
        "embedding",
        "hidden",
        "attention",
        "relations",
    }
    assert not any([*first.values(), *second.values()])


def test_ones_own(monkeypatch):
    module = ModuleType("my_schedules")
    module.fading = lambda moment: {"hidden": 1 - moment.share}
    monkeypatch.setitem(sys.modules, "my_schedules", module)
    assert find_schedule("my_schedules:fading")(Moment(0, 0.25)) == {"hidden": 0.75}
    assert find_schedule("ramp") is SCHEDULES["ramp"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("linear", "unknown schedule 'linear'; known: constant"),
        ("no_such_module:f", "No module named 'no_such_module'"),
        ("math:no_such_function", "no_such_function"),
        ("math:pi", "is no function"),
        (":f", "can't import"),
        (".relative:f", "can't import"),
    ],
)
def test_schedules_that_are_not_there(name, message):
    with pytest.raises(InputError, match=message):
        find_schedule(name)


def test_a_module_in_the_working_directory(tmp_path, monkeypatch):
    own = "def late(moment):\n    return {'hidden': 0.0}\n"
    later = "import functools\nlater = functools.partial(late)\n"
    (tmp_path / "own_schedule.py").write_text(own + later)
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    assert find_schedule("own_schedule:late")(Moment(0, 0)) == {"hidden": 0.0}
    assert sys.path == before
    first = hash_schedule("own_schedule:late")
    assert hash_schedule("own_schedule:later") == first
    (tmp_path / "own_schedule.py").write_text("def late(moment):\n    return {}\n")
    assert hash_schedule("own_schedule:late") != first
    assert hash_schedule("ramp") is None


WEIGHTS = DistillConfig().weights()


@pytest.mark.parametrize("name", ["two-phase", "ramp"])
def test_schedules_that_begin_with_the_layers_need_them(name):
    with pytest.raises(InputError, match="leaves no loss at epoch 0"):
        check_schedule(name, WEIGHTS, epochs=3)
    check_schedule(name, WEIGHTS | {"hidden": 1.0}, epochs=3)


def test_users_functions_that_fail(monkeypatch):
    module = ModuleType("bad_schedules")
    module.fails = lambda moment: 1 / 0
    module.nothing = lambda moment: {"prediction": None}
    module.unknown = lambda moment: {"hiden": 1.0}
    monkeypatch.setitem(sys.modules, "bad_schedules", module)
    with pytest.raises(InputError, match=r"fails at .*division by zero"):
        check_schedule("bad_schedules:fails", WEIGHTS, epochs=3)
    with pytest.raises(InputError, match=r"fails at .*NoneType"):
        check_schedule("bad_schedules:nothing", WEIGHTS, epochs=3)
    with pytest.raises(InputError, match="names no loss: hiden; known: prediction"):
        check_schedule("bad_schedules:unknown", WEIGHTS, epochs=3)
