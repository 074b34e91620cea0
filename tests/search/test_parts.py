"""The parts of a search that need no training."""

from dataclasses import replace

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from tinybert.base.errors import InputError
from tinybert.measure.latency import Fitted, work
from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.recipe.recipe import Recipe
from tinybert.search.census import Census, Count, counted
from tinybert.search.clock import MEASURED, SEARCHED, Clock
from tinybert.search.costs import Costs
from tinybert.search.fit import Fit
from tinybert.search.rows import part
from tinybert.search.score import Goal
from tinybert.search.search import spread
from tinybert.search.sketch import sketch
from tinybert.search.space import Space
from tinybert.search.trial import Outcome
from tinybert.steps.choice import LEFT_OUT
from tinybert.steps.expected import Plan
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.tasks.task import Examples

CONFIG = {
    "model_type": "bert",
    "vocab_size": 6000,
    "hidden_size": 96,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 384,
    "max_position_embeddings": 64,
}
STEPS = [
    {"trim-vocabulary": {}},
    {"student": {}},
    {"distill": {"epochs": 9}},
    {"quantize": {"method": "qat", "distill": {"epochs": 3}}},
]


def plan():
    return Plan(64, CONFIG, ExpectedShape.of(CONFIG))


def space(steps=STEPS, **changes):
    recipe = {"teacher": "t", "task": "glue/sst-2", "data": {"train": "x", "max_length": 64}}
    return Space.of(Recipe.from_mapping({**recipe, "steps": steps, **changes}), plan())


class WeightCosts:
    """Bytes by the layers' weights and the table, a millisecond a layer."""

    def predict(self, shape, quantize):
        bits = 32 if quantize is None else quantize.bits
        inner = sum(
            4 * shape.hidden_size**2 + 2 * shape.hidden_size * n for n in shape.neuron_counts
        )
        size = (inner + shape.vocabulary * shape.hidden_size) * bits / 8
        return Costs(round(size), float(shape.layers), 50.0)


def fit(asked, grows=True, **changes):
    return Fit(space(**changes), plan(), WeightCosts(), asked, grows)


def test_what_a_recipe_gives_is_not_varied():
    every = space()
    names = {name.partition(".")[2] for name in every.names}
    assert names == {
        "trim-vocabulary.size",
        "student.positions",
        "student.layers",
        "student.hidden_size",
        "student.attention_heads",
        "student.intermediate_size",
        "quantize.bits",
    }
    given = [{"student": {"layers": 2, "attention_heads": 4}}, STEPS[2], {"quantize": {"bits": 8}}]
    assert {name.partition(".")[2] for name in space(given).names} == {
        "student.positions",
        "student.hidden_size",
        "student.intermediate_size",
    }


def test_a_candidate_is_a_recipe_with_all_settings_given():
    every = space()
    recipe = every.recipe_of(every.largest, share=1 / 3)
    trim, student, distill, quantize = (step.config for step in recipe.steps)
    assert (student.layers, student.hidden_size, student.intermediate_size) == (4, 96, 384)
    assert (trim.size, quantize.bits, quantize.activations) == (6000, 8, True)
    assert distill.epochs == pytest.approx(3)
    assert quantize.distill.epochs == pytest.approx(1)
    smallest = every.recipe_of((0,) * len(every.largest))
    assert smallest.steps[-1].config.bits == 2
    assert not smallest.steps[-1].config.activations
    assert Recipe.from_mapping(recipe.given()).resolved() == recipe.resolved()


def test_the_teacher_is_trained_in_full_however_short_the_time():
    every = space([{"finetune": {"epochs": 2}}, *STEPS])
    assert every.first == 1
    recipe = every.recipe_of(every.largest, share=0.1)
    assert recipe.steps[0].config.epochs == 2
    assert recipe.steps[3].config.epochs == pytest.approx(0.9)


def test_a_step_that_is_left_out_is_not_in_the_recipe():
    steps = [STEPS[1], {"shorten": {}}, STEPS[2]]
    every = space(steps)
    assert every.choices[1, "positions"].settings[-1] is LEFT_OUT
    names = [step.name for step in every.recipe_of(every.largest).steps]
    assert names == ["student", "distill"]
    first = every.recipe_of((0,) * len(every.largest))
    assert [step.name for step in first.steps] == ["student", "shorten", "distill"]


def test_a_table_of_low_rank_is_smaller():
    steps = [{"student": {"hidden_size": 96}}, {"factorize": {"parts": ["embeddings"]}}, STEPS[2]]
    every = space(steps)
    cheapest, whole = (0,) * len(every.largest), every.largest
    assert every.recipe_of(cheapest).steps[1].config.rank == 32
    assert [step.name for step in every.recipe_of(whole).steps] == ["student", "distill"]
    assert every.recipe_of(cheapest).follow(plan()).shape.embedding_rank == 32


def test_training_is_tuned_where_the_budget_asks():
    plain, tuned = space(), space(budget={"size": "5MB", "tune": True})
    more = {*tuned.names} - {*plain.names}
    assert {name.rpartition(".")[2] for name in more} == {
        *("learning_rate", "temperature", "label", "layers"),  # epochs are given
    }
    assert "3.quantize.learning_rate" not in more  # its `distill` is given
    usual = min(range(4), key=lambda at: tuned.choices[2, "learning_rate"].losses[at])
    assert tuned.choices[2, "learning_rate"].settings[usual] == {"learning_rate": 1e-4}


def test_what_grows_takes_the_rest_of_the_budget():
    bounded = fit({"size_mb": 0.5})
    pool = bounded.pool(seed=0)
    assert pool
    for candidate in pool:
        assert bounded.of(candidate).bytes <= 500_000
        (at,) = bounded.space.growing
        most = len([*bounded.space.choices.values()][at].settings) - 1
        if candidate[at] < most:
            more = (*candidate[:at], candidate[at] + 1, *candidate[at + 1 :])
            assert not bounded.fits(more)
    losses = [bounded.space.expected_loss(each) for each in pool]
    assert losses == sorted(losses)


def test_where_nothing_fits_the_least_is_named():
    with pytest.raises(InputError, match=r"0\.001 MB are asked, and the least .* MB; ask for more"):
        fit({"size_mb": 0.001}).pool(seed=0)
    with pytest.raises(InputError, match=r"the least that any of them needs is 1 ms"):
        fit({"latency_ms": 0.5}).pool(seed=0)


def test_settings_that_do_not_go_together_do_not_fit():
    steps = [{"student": {"hidden_size": 90}}, STEPS[2]]  # 4 heads don't divide it
    with pytest.raises(InputError):
        fit({"size_mb": 5.0}, steps=steps).pool(seed=0)


def test_held_out_rows_share_no_text_with_those_to_learn_from():
    texts = [f"film {n % 300}" for n in range(1200)]
    learned, compared = part(Examples.of_texts(texts, None, "rows"), seed=1)
    assert not {*learned.texts} & {*compared.texts}
    assert len({*compared.texts}) == len(compared) == 75
    again = part(Examples.of_texts(texts, None, "rows"), seed=1)
    assert again[1].texts == compared.texts
    with pytest.raises(InputError, match="too few to compare candidates on"):
        part(Examples.of_texts(texts[:60], None, "rows"), seed=1)


def outcome(**changes):
    figures = {"distance": 0.02, "metric": 0.9, "drop": 0.01, "size_mb": 4.0}
    return Outcome(**{**figures, "seconds": 60.0, "training": 40.0, **changes})


def test_what_is_not_bounded_is_minimised():
    least_loss = Goal({"size_mb": 5.0})
    assert least_loss.score(outcome()) < least_loss.score(outcome(distance=0.03, size_mb=1.0))
    assert least_loss.score(outcome(size_mb=5.1)) > 1000
    smallest = Goal({"drop": 0.02})
    assert smallest.score(outcome(size_mb=2.0)) < smallest.score(outcome(distance=0.001))
    assert smallest.score(outcome(drop=0.03, size_mb=0.1)) > 1000
    assert smallest.score(outcome(drop=None)) > smallest.score(outcome(drop=0.03))
    assert not Goal({"drop": 0.02, "size_mb": 3.0}).smallest


def test_the_clock_keeps_time_for_the_winner(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("tinybert.search.clock.time.monotonic", lambda: now[0])
    clock = Clock(1000.0)
    # Its whole training is 9 * 40 seconds, beside 20 and the measurements.
    assert clock.allows(outcome(), 1 / 9, 1 / 9)
    assert clock.share_left(outcome(), 1 / 9) == 1.0
    now[0] = SEARCHED * 1000 + 1
    assert not clock.allows(outcome(), 1 / 9, 1 / 9)
    now[0] = 800.0
    left = 1000 - 800 - 20 - MEASURED
    assert clock.share_left(outcome(), 1 / 9) == pytest.approx(left / 360)
    now[0] = 5000.0
    assert clock.share_left(outcome(), 1 / 9) > 0
    assert Clock(None).allows(outcome(), 1 / 9, 1.0)


def test_first_tries_differ():
    pool = [(3, 3, 3), (3, 3, 2), (3, 2, 3), (1, 2, 1), (0, 0, 0)]
    assert spread(pool)[:3] == [(3, 3, 3), (1, 2, 1), (0, 0, 0)]
    assert {*spread(pool)} == {*pool}


@pytest.fixture(scope="module")
def small_teacher():
    torch.manual_seed(0)
    return BertForSequenceClassification(BertConfig(**CONFIG, num_labels=3))


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize(("hidden", "heads"), [(96, 4), (48, 2)])
def test_weights_are_counted_without_making_them(small_teacher, layers, hidden, heads):
    shape = ExpectedShape(
        *("bert", layers, hidden, hidden // heads, (heads,) * layers, (136,) * layers, hidden)
    )
    model = sketch(shape, small_teacher)
    census = Census(small_teacher)
    assert vars(census.count(shape)) == pytest.approx(vars(counted(model)))
    trimmed = replace(shape, vocabulary=1000)
    missing = counted(model).tables - census.count(trimmed).tables
    assert missing == 5000 * hidden


def test_bytes_by_bits():
    count = Count(matrices=1000, channels=10, tables=2000, rows=20, rest=30)
    assert count.bytes(None) == 4 * 3030
    assert count.bytes(QuantizeConfig(method="qat")) == 1000 + 40 + 2000 + 80 + 120
    two = QuantizeConfig(method="qat", bits=2, activations=False)
    assert count.bytes(two) == 250 + 40 + 1000 + 80 + 120
    four = QuantizeConfig(method="qat", bits=4, activations=False)
    assert count.bytes(four) == 500 + 40 + 1000 + 80 + 120
    floats = QuantizeConfig(method="qat", embeddings=False)
    assert count.bytes(floats) == 1000 + 40 + 8000 + 120


def test_shortening_saves_work_behind_its_layer():
    shape = ExpectedShape("bert", 3, 48, 12, (4,) * 3, (96,) * 3, 48)
    whole = work(shape, 64, 1, reads_first=True)
    short = work(replace(shape, selects=1, selected=16), 64, 1, reads_first=True)
    assert whole[:2] == short[:2] == [1.0, 3.0]
    assert all(a > b for a, b in zip(whole[2:], short[2:], strict=True))
    assert work(shape, 64, 2, True)[2] == 2 * whole[2]


def test_a_fit_has_no_negative_multiples():
    fitted = Fitted([[1, 1, 5], [1, 2, 4], [1, 3, 3], [1, 4, 2]], [3, 5, 7, 9])
    assert fitted([1, 5, 1]) == pytest.approx(11, rel=0.02)
    assert (fitted._multiples >= 0).all()
