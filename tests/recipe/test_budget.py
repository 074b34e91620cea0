import pytest

from tinybert.base.amounts import BYTES, MILLISECONDS, MINUTES, amount, share
from tinybert.base.errors import InputError
from tinybert.recipe.budget import BudgetConfig
from tinybert.recipe.recipe import Recipe

RECIPE = {"teacher": "t", "task": "glue/sst-2", "data": {"train": "SST-2"}}


@pytest.mark.parametrize(
    ("text", "units", "value"),
    [
        ("5MB", BYTES, 5.0),
        ("5 MB", BYTES, 5.0),
        ("800kB", BYTES, 0.8),
        ("1GB", BYTES, 1000.0),
        ("1MiB", BYTES, 1.048576),
        (".5ms", MILLISECONDS, 0.5),
        ("250us", MILLISECONDS, 0.25),
        ("1.5s", MILLISECONDS, 1500.0),
        ("2h", MINUTES, 120.0),
        ("90s", MINUTES, 1.5),
    ],
)
def test_amounts_have_units(text, units, value):
    assert amount(text, units, "") == pytest.approx(value)


@pytest.mark.parametrize(
    "text", ["5", "MB", "5 mb", "-5MB", "0MB", "5MBs", "1e9MB", "nanMB", "", 5]
)
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match=r"expected|must (not )?be"):
        amount(text, BYTES, "5MB")


@pytest.mark.parametrize("text", ["1", "-1%", "100%", "250%", 0.01, "%"])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(ValueError, match=r"expected|must (not )?be"):
        share(text)


def test_no_longer_rows_are_timed_than_there_are():
    recipe = {**RECIPE, "data": {"train": "x", "max_length": 64}}
    assert Recipe.from_mapping({**recipe, "budget": {"latency": "1ms"}}).budget.length == 64
    assert Recipe.from_mapping({**recipe, "budget": {"size": "1MB"}}).budget.length == 128
    with pytest.raises(InputError, match=r"budget.length: 65: texts are cut to"):
        Recipe.from_mapping({**recipe, "budget": {"latency": "1ms", "length": 65}})


def test_bounds_are_in_the_units_of_the_report():
    budget = BudgetConfig(size="5MB", latency="1ms", memory="100MB", drop="1%")
    assert budget.asked() == {"size_mb": 5, "latency_ms": 1, "memory_mb": 100, "drop": 0.01}
    assert BudgetConfig(drop="0%").asked() == {"drop": 0.0}


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ({}, "asks nothing"),
        ({"time": "5min"}, "asks nothing"),
        ({"size": "5"}, "budget.size: expected a number with its unit"),
        ({"drop": "-1%"}, "budget.drop: must not be negative, got '-1%'"),
        ({"sise": "5MB"}, "did you mean 'size'"),
        ({"size": "5MB", "length": 64}, "length: is about the batch"),
        ({"size": "5MB", "strict": True}, "strict: is about the drop and about a device"),
        ({"size": "5MB", "device": "pi5.json"}, "device: is about the latency"),
        ({"size": "5MB", "search": False, "tune": True}, "tune: is about the search"),
        ({"size": "5MB", "search": False, "trials": 3}, "trials: is about the search"),
        ({"latency": "1ms", "threads": 0}, "budget.threads"),
    ],
)
def test_a_budget_that_can_not_be_honoured_is_refused(budget, message):
    with pytest.raises(InputError, match=message):
        Recipe.from_mapping({**RECIPE, "budget": budget})


def test_what_is_run_keeps_the_bounds_and_not_the_search():
    budget = BudgetConfig(size="5MB", drop="1%", strict=True, time="3min", trials=4)
    run = budget.without_search()
    assert run.asked() == budget.asked()
    assert run.strict
    assert not run.search
    assert run.time is None


def test_a_recipe_says_what_was_given_and_what_it_comes_to():
    recipe = Recipe.from_mapping(
        {**RECIPE, "steps": [{"student": {"layers": 3}}, "distill"], "budget": {"size": "5MB"}}
    )
    assert recipe.given()["steps"] == [{"student": {"layers": 3}}, {"distill": {}}]
    assert recipe.given()["budget"] == {"size": "5MB"}
    assert recipe.resolved()["steps"][0]["student"]["hidden_size"] == 312
    assert Recipe.from_mapping(recipe.given()).resolved() == recipe.resolved()
