"""Which units count."""

import pytest
import torch

from tinybert.steps.prune.calibration import calibrate
from tinybert.steps.prune.gates import Gates, Group
from tinybert.steps.prune.importance import IMPORTANCES, Taylor
from tinybert.steps.prune.units import head_units, layer_units, neuron_units

MEASURES = list(IMPORTANCES)


def measured(model, context, units, name="taylor"):
    group = Group(units, 0.5)
    with Gates(model, [group], IMPORTANCES[name]()) as gates:
        calibrate(gates, context, 24)
        return [scores.clone() for scores in gates.scores(group)]


@pytest.mark.parametrize("name", MEASURES)
def test_a_head_that_nothing_reads_is_last(model, context, name):
    with torch.no_grad():
        for number, layer in enumerate(model.bert.encoder.layer, start=1):
            layer.attention.output.dense.weight[:, 8 * number : 8 * number + 8] = 0
    scores = measured(model, context(), head_units(model), name)
    assert [int(layer.argmin()) for layer in scores] == [1, 2]
    assert all(layer.min() == 0 and layer.sum() > 0 for layer in scores)


@pytest.mark.parametrize("name", MEASURES)
def test_a_neuron_that_nothing_reads_is_last(model, context, name):
    with torch.no_grad():
        model.bert.encoder.layer[1].output.dense.weight[:, 7] = 0
    assert int(measured(model, context(), neuron_units(model), name)[1].argmin()) == 7


@pytest.mark.parametrize("name", ["taylor", "activation"])
def test_a_layer_that_adds_nothing_is_last(model, context, name):
    """Its output is its input: both LayerNorms are given normalised rows, and nothing else."""
    with torch.no_grad():
        layer = model.bert.encoder.layer[1]
        for dense in (layer.attention.output.dense, layer.output.dense):
            dense.weight.zero_()
            dense.bias.zero_()
        for norm in (
            model.bert.encoder.layer[0].output.LayerNorm,
            layer.attention.output.LayerNorm,
            layer.output.LayerNorm,
        ):
            norm.weight.fill_(1)
            norm.bias.zero_()
    first, second = measured(model, context(), layer_units(model), name)
    assert second < 1e-3 * first


def test_taylor_is_the_gradient_by_a_gate(model, context, batch):
    """Against autograd through gates of its own, a row at a time."""
    units = head_units(model)
    wanted = torch.zeros(4)
    for row in range(3):
        gate = torch.ones(4, requires_grad=True)
        handle = units[1].attach(lambda given, gate=gate: given * gate[:, None])
        inputs = {name: values[row : row + 1] for name, values in batch.items()}
        (gradient,) = torch.autograd.grad(model(**inputs).logits[:, 0].sum(), gate)
        handle.remove()
        wanted += gradient.abs()
    group = Group(units, 0.5)
    with Gates(model, [group], Taylor()) as gates:
        model(**batch).logits[:, 0].sum().backward()
        gates.learn(1.0)
        found = gates.scores(group)
    norm = torch.cat(found).norm()
    torch.testing.assert_close(norm, torch.tensor(1.0))
    torch.testing.assert_close(found[1] / found[1].norm(), wanted / wanted.norm())


def test_padding_is_no_activation(model, batch):
    def activations(inputs):
        group = Group(neuron_units(model), 0.5)
        with Gates(model, [group], IMPORTANCES["activation"]()) as gates:
            model(**inputs)
            gates.learn(1.0)
            return torch.cat(gates.scores(group))

    row = {name: values[1:2] for name, values in batch.items()}
    short = {name: values[:, :5] for name, values in row.items()}
    torch.testing.assert_close(activations(row), activations(short), atol=1e-4, rtol=1e-3)


def test_calibration_leaves_the_model_as_it_was(model, context):
    measured(model, context(), head_units(model))
    assert all(weight.requires_grad and weight.grad is None for weight in model.parameters())
    assert not model.training


def test_the_teacher_itself_has_gradients(model, context):
    """Where a distillation loss has none."""
    scores = measured(model, context(), head_units(model))
    assert all((layer > 0).all() for layer in scores)
