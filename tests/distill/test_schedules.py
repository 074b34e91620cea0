import sys
from types import ModuleType

import pytest

from tinybert.distill.schedules import SCHEDULES, Moment, article, find_schedule, two_phase
from tinybert.errors import InputError


def test_the_articles_weights():
    assert article(Moment(0, 0)) == {"prediction": 0, "embedding": 0.1, "hidden": 0.1}
    late = {"prediction": 0.8, "embedding": 0, "hidden": 0.1}
    assert article(Moment(10, 0.5)) == article(Moment(20, 1)) == late


def test_two_phases_share_no_loss():
    first, second = two_phase(Moment(0, 0.49)), two_phase(Moment(0, 0.5))
    assert not set(first) & set(second)
    assert set(first) | set(second) == {
        "prediction",
        "label",
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
    assert find_schedule("article") is SCHEDULES["article"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("linear", "unknown schedule 'linear'; known: constant"),
        ("no_such_module:f", "No module named 'no_such_module'"),
        ("math:no_such_function", "no_such_function"),
        ("math:pi", "is no function"),
        (":f", "can't import"),
    ],
)
def test_schedules_that_are_not_there(name, message):
    with pytest.raises(InputError, match=message):
        find_schedule(name)
