"""GPTQ: on the same grid as plain rounding, nearer to what the layer computed."""

import copy

import pytest
import torch

from tinybert.modeling.observe import input_statistics
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.quantize.fake import (
    fake_integers,
    fake_quantize,
    linear_layers,
    remove_fake_quantization,
    round_weights,
)
from tinybert.steps.quantize.gptq import gptq, round_by_gptq
from tinybert.steps.quantize.note import QuantizationNote
from tinybert.steps.quantize.step import prepare

LARGEST = 7


@pytest.fixture
def weights():
    return torch.randn(24, 64, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def inputs():
    """(rows, 64), correlated, as hidden states are."""
    generator = torch.Generator().manual_seed(1)
    mixed = torch.randn(500, 16, generator=generator) @ torch.randn(16, 64, generator=generator)
    return mixed + 0.1 * torch.randn(500, 64, generator=generator)


def nearest(weights, group_size):
    integers, scales = fake_integers(weights, LARGEST, group_size)
    return integers * scales


@pytest.mark.parametrize("group_size", [None, 32])
def test_it_loses_less_of_the_output(weights, inputs, group_size):
    rounded = gptq(weights, inputs.double().T.cov(), LARGEST, group_size)
    centred = inputs - inputs.mean(0)
    lost, plainly = (
        (centred @ (weights - each).T).square().mean()
        for each in (rounded, nearest(weights, group_size))
    )
    assert lost < 0.5 * plainly


@pytest.mark.parametrize("group_size", [None, 32])
def test_what_it_gives_quantizes_to_itself(weights, inputs, group_size):
    rounded = gptq(weights, inputs.double().T.cov(), LARGEST, group_size)
    torch.testing.assert_close(nearest(rounded, group_size), rounded, rtol=1e-6, atol=0)
    assert not torch.equal(rounded, nearest(weights, group_size))


def test_independent_inputs_are_rounded_to_the_nearest(weights):
    rounded = gptq(weights, torch.eye(64, dtype=torch.double), LARGEST)
    torch.testing.assert_close(rounded, nearest(weights, None))


def test_zeros_stay(weights, inputs):
    weights[weights.abs() < 0.5] = 0
    weights[3] = 0
    rounded = gptq(weights, inputs.double().T.cov(), LARGEST)
    assert (rounded[weights == 0] == 0).all()


def test_inputs_that_never_vary(weights, inputs):
    """One of them, or all: there is nothing to make up for."""
    inputs[:, 5] = 0
    assert gptq(weights, inputs.double().T.cov(), LARGEST).isfinite().all()
    rounded = gptq(weights, torch.zeros(64, 64, dtype=torch.double), LARGEST)
    torch.testing.assert_close(rounded, nearest(weights, None))


def test_of_a_model_every_layer_loses_less(model, batches):
    """Of what varies in its output; the mean of its output is what it was."""
    note = QuantizationNote.of(QuantizeConfig(method="weight-only", bits=4, embeddings=False))
    before = copy.deepcopy(model)
    plain = copy.deepcopy(model)
    fake_quantize(plain, note)
    round_weights(plain)
    remove_fake_quantization(plain)
    round_by_gptq(model, note, batches)
    layers = [linear_layers(each) for each in (before, model, plain)]
    for name, mean, covariance in input_statistics(before, batches, layers[0]):
        old, ours, nearest = (each[name] for each in layers)
        lost, plainly = (
            torch.einsum("oi,ij,oj->", error, covariance, error)
            for error in ((old.weight - each.weight).double() for each in (ours, nearest))
        )
        assert lost < plainly, name
        means = [layer.weight.double() @ mean + layer.bias for layer in (old, ours)]
        torch.testing.assert_close(*means, rtol=1e-5, atol=1e-5)


def test_the_step_does_it(model, batches, tiny_context):
    before = copy.deepcopy(model.state_dict())
    config = QuantizeConfig(method="weight-only", bits=4, rounding="gptq", calibration_rows=20)
    assert config.prepares
    assert "rows" in config.needs(corpus=False)
    prepare(config, model, tiny_context())
    changed = {
        name for name, values in model.state_dict().items() if (values != before[name]).any()
    }
    assert changed == {
        f"{name}.{part}" for name in linear_layers(model) for part in ("weight", "bias")
    }


def test_only_for_weights_alone():
    with pytest.raises(ValueError, match="gptq is for `method: weight-only`"):
        QuantizeConfig(method="qat", rounding="gptq")


def test_without_a_bias_what_is_lost_of_the_mean_counts_too(model, batches):
    """As in the first factor of a low-rank layer: nothing there takes up the mean's error."""
    note = QuantizationNote.of(QuantizeConfig(method="weight-only", bits=4, embeddings=False))
    for layer in linear_layers(model).values():
        layer.bias = None
    before = copy.deepcopy(model)
    round_by_gptq(model, note, batches)
    lost = centred = 0.0
    for name, mean, covariance in input_statistics(before, batches, linear_layers(before)):
        weight = linear_layers(before)[name].weight
        moments = covariance + mean.outer(mean)
        for rounded, counts in (
            (linear_layers(model)[name].weight, True),
            (gptq(weight.detach(), covariance, note.largest(4)), False),
        ):
            error = (weight - rounded).double()
            value = torch.einsum("oi,ij,oj->", error, moments, error).item()
            lost, centred = (lost + value, centred) if counts else (lost, centred + value)
    assert lost < 0.7 * centred
