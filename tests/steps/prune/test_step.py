"""The step: at once, while the model learns, and in a recipe."""

import copy
import dataclasses

import pytest
import torch
from transformers import TrainerCallback, set_seed

import tinybert
from tinybert.base.errors import InputError
from tinybert.distillation.on_rows import distill
from tinybert.formats.open import load_student
from tinybert.modeling.shape import SHAPE_KEY, head_counts, neuron_counts
from tinybert.steps.prune.config import PruneConfig
from tinybert.steps.prune.sparse import prunable
from tinybert.steps.prune.step import prune
from tinybert.tasks.task import Examples

HALF = {"heads": 0.5, "neurons": 0.5, "calibration_rows": 24}
# By what importance is measured; magnitude reads no rows, and refuses a number of them.
IMPORTANCES = [
    {"importance": "taylor", "calibration_rows": 24},
    {"importance": "activation", "calibration_rows": 24},
    {"importance": "magnitude"},
]


@pytest.mark.parametrize("importance", IMPORTANCES, ids=lambda each: each["importance"])
def test_at_once(model, context, importance, logits):
    before = logits(model)
    pruned = prune(PruneConfig(heads=0.5, neurons=0.5, **importance), model, context())
    assert (head_counts(pruned), neuron_counts(pruned)) == ([2, 2], [32, 32])
    assert getattr(pruned.config, SHAPE_KEY) == {"attention_heads": [2, 2]}
    assert pruned.config.intermediate_size == 32
    assert not torch.allclose(logits(pruned), before)
    assert not any("prune" in name for name in pruned.state_dict())


def test_ranked_over_the_model(model, context):
    settings = {"uniform": False, "rounding": 1, "importance": "magnitude"}
    with torch.no_grad():
        for layer in model.bert.encoder.layer:
            layer.output.dense.weight[:, ::2] *= 1e-3
        model.bert.encoder.layer[0].output.dense.weight[:, 8:] *= 1e-3
    pruned = prune(PruneConfig(neurons=1 - 36 / 128, **settings), model, context())
    assert neuron_counts(pruned) == [4, 32]


def test_of_some_layers(model, context):
    pruned = prune(PruneConfig(**HALF, of_layers=[2]), model, context())
    assert (head_counts(pruned), neuron_counts(pruned)) == ([4, 2], [64, 32])
    with pytest.raises(InputError, match="no layer 3; the model has 2"):
        prune(PruneConfig(**HALF, of_layers=[3]), model, context())


def test_layers(model, context):
    stays = copy.deepcopy(model.bert.encoder.layer[1].state_dict())
    pruned = prune(PruneConfig(layers=[1]), model, context())
    assert pruned.config.num_hidden_layers == 1
    for name, weight in pruned.bert.encoder.layer[0].state_dict().items():
        assert torch.equal(weight, stays[name])


@pytest.mark.parametrize("importance", IMPORTANCES, ids=lambda each: each["importance"])
def test_a_number_of_layers(model, context, importance):
    settings = PruneConfig(layers=1, **importance)
    assert prune(settings, model, context()).config.num_hidden_layers == 1


def test_no_rows(model, context):
    with pytest.raises(InputError, match="needs training rows"):
        prune(PruneConfig(heads=0.5), model, context(train=Examples.of_texts([], None, "nothing")))


def test_labels_are_not_needed(model, context):
    """Nor looked at: without them the same is kept."""
    labeled = context()
    unlabeled = context(train=Examples.of_texts(labeled.train.texts, None, labeled.train.source))
    ours, theirs = (
        prune(PruneConfig(**HALF), copy.deepcopy(model), each).state_dict()
        for each in (unlabeled, labeled)
    )
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert ours["bert.encoder.layer.0.intermediate.dense.weight"].shape == (32, 32)


@pytest.mark.parametrize("importance", IMPORTANCES, ids=lambda each: each["importance"])
@pytest.mark.parametrize("losses", [{}, {"hidden": 1, "attention": 1, "mapping": [1, 2]}])
def test_gradually(model, context, healing, importance, losses):
    config = PruneConfig(heads=0.5, neurons=0.5, distill=healing(**losses), **importance)
    pruned = prune(config, model, context())
    assert (head_counts(pruned), neuron_counts(pruned)) == ([2, 2], [32, 32])
    assert not any("prune" in name for name in pruned.state_dict())
    assert not pruned.training


@pytest.mark.parametrize("changes", [{"gradient_checkpointing": True}, {"bf16": True}])
def test_gradually_in_other_precision_or_less_memory(model, context, healing, changes):
    pruned = prune(PruneConfig(distill=healing(**changes), **HALF), model, context())
    assert (head_counts(pruned), neuron_counts(pruned)) == ([2, 2], [32, 32])


def test_gradual_gates_learn_from_the_distillation(model, context, healing, monkeypatch):
    """With and without gradient checkpointing alike."""
    seen = []

    def watched(settings, model, context, callbacks=()):
        model = distill(settings, model, context, callbacks)
        seen.append(model.bert.encoder.layer[0].output.dense.prune_scores.clone())
        return model

    monkeypatch.setattr("tinybert.steps.prune.step.distill", watched)
    for checkpointing in (False, True):
        config = PruneConfig(
            distill=healing(max_steps=1, gradient_checkpointing=checkpointing), **HALF
        )
        made = context()

        set_seed(0)
        folder = made.folder / str(checkpointing)
        prune(config, copy.deepcopy(model), dataclasses.replace(made, folder=folder))
    torch.testing.assert_close(seen[0], seen[1], rtol=1e-3, atol=1e-5)


def test_what_stays_has_learned(model, context, healing, logits, tiny_bert_dir):
    """Gradual pruning ends nearer to the teacher than pruning at once."""
    wanted = logits(model).softmax(-1)
    at_once = prune(PruneConfig(**HALF), copy.deepcopy(model), context())
    config = PruneConfig(distill=healing(epochs=8, learning_rate=3e-3), **HALF)
    gradual = prune(config, model, context())

    def distance(pruned):
        return float((logits(pruned).softmax(-1) - wanted).abs().mean())

    assert distance(gradual) < distance(at_once)


class Stopped(Exception):
    pass


class Stop(TrainerCallback):
    def __init__(self, step):
        self.step = step

    def on_step_begin(self, args, state, control, **_):
        if state.global_step == self.step:
            raise Stopped


@pytest.mark.parametrize("stop", [7, 13])
@pytest.mark.parametrize(
    "settings",
    [HALF, HALF | {"importance": "activation"}, {"sparsity": 0.7}, {"pattern": "2:4"}],
)
def test_a_killed_step_goes_on_as_it_would_have(
    model, context, healing, settings, stop, tmp_path, monkeypatch
):
    """20 steps, the share rises for 10, a checkpoint each 3."""
    config = PruneConfig(distill=healing(checkpoint_steps=3, hidden=1), **settings)

    def run(context):
        set_seed(0)  # as `compress` does before each step
        return prune(config, copy.deepcopy(model), context)

    undisturbed = run(context(folder=tmp_path / "whole"))
    killed = context(folder=tmp_path / "killed")

    def stopped(settings, model, context, callbacks=()):
        return distill(settings, model, context, [*callbacks, Stop(stop)])

    with monkeypatch.context() as patched:
        patched.setattr("tinybert.steps.prune.step.distill", stopped)
        with pytest.raises(Stopped):
            run(killed)
    resumed, again = run(killed), run(killed)  # the last has a checkpoint of the end
    for name, weight in undisturbed.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], weight), name
        assert torch.equal(again.state_dict()[name], weight), name


def test_relation_heads_that_do_not_divide_what_is_left(model, context, healing):
    """Where a recipe could not know: the model was pruned before."""
    pruned = prune(PruneConfig(heads=0.25, importance="magnitude"), model, context())
    made = context()
    with pytest.raises(InputError, match="relation_heads: an attention width of 24"):
        distill(healing(relations=1, relation_heads=32), pruned, made)


@pytest.mark.parametrize(
    "settings", [{"sparsity": 0.8}, {"sparsity": 0.8, "uniform": False}, {"pattern": "2:4"}]
)
@pytest.mark.parametrize("gradual", [False, True])
def test_zeros(model, context, healing, settings, gradual, caplog):
    before = copy.deepcopy(model)
    with caplog.at_level("INFO", "tinybert"):
        within = healing() if gradual else None
        pruned = prune(PruneConfig(distill=within, **settings), model, context())
    weights = [module.weight for module in prunable(pruned).values()]
    zeros = sum(int((weight == 0).sum()) for weight in weights)
    share = 0.5 if "pattern" in settings else 0.8
    assert zeros / sum(weight.numel() for weight in weights) == pytest.approx(share, abs=1e-3)
    if "pattern" in settings:
        assert all(((weight.view(-1, 4) != 0).sum(1) == 2).all() for weight in weights)
    assert "no faster on dense kernels" in caplog.text
    assert not any("prune" in name for name in pruned.state_dict())
    changed = not torch.equal(pruned.classifier.weight, before.classifier.weight)
    assert changed == gradual


TRAINING = {"max_steps": 4, "batch_size": 8}


def check_result(out, report, logits):
    """All forms of the result predict alike; returns the PyTorch one."""
    fp32, int8 = report["artifacts"]
    assert fp32["parity"]["agreement"] == 1
    assert fp32["parity"]["max_abs_diff"] < 1e-4
    assert int8["precision"] == "int8"
    assert len(tinybert.load(out)(["a great film", "dull"])) == 2
    loaded = load_student(out)
    torch.testing.assert_close(logits(loaded), logits(load_student(out / "student")))
    return loaded


def test_a_recipe_that_prunes_then_distils(quick_bench, recipe, tmp_path, logits):
    """Hidden states and attention of models with other numbers of heads and layers."""
    learns = TRAINING | {"hidden": 1, "attention": 1}
    steps = [{"prune": HALF | {"layers": 1}}, {"distill": learns}, "quantize"]
    report = tinybert.compress(recipe(steps=steps), tmp_path / "out").report
    model = check_result(tmp_path / "out", report, logits)
    assert (head_counts(model), neuron_counts(model)) == ([2], [32])
    assert [step["name"] for step in report["steps"]] == ["prune", "distill"]


def test_a_recipe_that_prunes_unevenly_while_it_distils(quick_bench, recipe, tmp_path, logits):
    """After `student`, ranked over the model; heads one to three, relations of any width."""
    shape = {"layers": 2, "hidden_size": 16, "attention_heads": 4, "intermediate_size": 48}
    pruning = {"uniform": False, "rounding": 1, "distill": TRAINING | {"relations": 1}}
    pruning["distill"] |= {"relation_heads": 4, "attention": 1}
    distilling = TRAINING | {"relations": 1, "relation_heads": 4, "attention": 1}
    steps = [{"student": shape}, {"prune": HALF | pruning}, {"distill": distilling}, "quantize"]
    report = tinybert.compress(recipe(steps=steps), tmp_path / "out").report
    model = check_result(tmp_path / "out", report, logits)
    assert sum(head_counts(model)) == 4
    assert sum(neuron_counts(model)) == 48


def test_a_recipe_of_zeros(quick_bench, recipe, tmp_path, logits):
    steps = [{"prune": {"pattern": "2:4", "distill": TRAINING}}, "quantize"]
    report = tinybert.compress(recipe(steps=steps), tmp_path / "out").report
    model = check_result(tmp_path / "out", report, logits)
    for module in prunable(model).values():
        assert ((module.weight.view(-1, 4) != 0).sum(1) == 2).all()


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{"prune": {"sparsity": 0.5}}, {"distill": {}}], r"steps\.1\.distill: would fill"),
        ([{"prune": {"sparsity": 0.5}}, {"prune": {"heads": 0.5}}], "would fill"),
        ([{"prune": {"layers": 2}}], r"prune\.layers: at least one of the model's 2 layers"),
        ([{"prune": {"layers": [3]}}], r"prune\.layers: there is no layer 3"),
        ([{"prune": {"layers": 1}}, {"distill": {"mapping": [1, 2]}}], "must name 1 layers"),
        (
            [{"prune": {"heads": 0.5, "distill": {"mapping": [2]}}}],
            r"prune\.distill\.mapping: \[2\] must name 2 layers",
        ),
        (
            [{"prune": {"heads": 0.25}}, {"distill": {"relations": 1, "relation_heads": 32}}],
            "32 does not divide an attention width of 24",
        ),
        (
            [{"prune": {"heads": 0.5, "distill": {"epoch": 1}}}],
            r"prune\.distill\.epoch: unknown key; did you mean 'epochs'",
        ),
        (
            [{"prune": {"heads": 0.5, "distill": {"teachers": [{"model": "no/such/path"}]}}}],
            r"prune\.distill\.teachers\.0\.model",
        ),
    ],
)
def test_recipes_that_are_refused(quick_bench, recipe, steps, message, tmp_path):
    with pytest.raises(InputError, match=message):
        tinybert.compress(recipe(steps=steps), tmp_path / "out")
    assert not list((tmp_path / "out").glob("steps/*"))
