"""Bias correction: the quantized model's means are those of the float model."""

import copy

import pytest
import torch

from tinybert.modeling.observe import observe
from tinybert.steps.quantize.activations import measure_ranges
from tinybert.steps.quantize.bias import correct_biases, mean_output
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.quantize.fake import fake_quantize, linear_layers
from tinybert.steps.quantize.note import QuantizationNote

QUERY = "bert.encoder.layer.0.attention.self.query"


def means(model, batch):
    """The mean output of each layer on one batch."""
    (seen,) = observe(model, [batch], dict(linear_layers(model)))
    mask = batch["attention_mask"].bool()
    return {name: mean_output(output, mask) for name, (_, output) in seen.items()}


@pytest.fixture
def note(model, batches):
    config = QuantizeConfig(method="static", bits=4)
    return QuantizationNote.of(config, measure_ranges(model, batches, linear_layers(model)))


def test_every_layer_keeps_its_mean(model, batches, note):
    batch = batches[-1]
    assert not batch["attention_mask"].all(), "padding is there, and does not count"
    wanted = means(model, batch)
    plain = copy.deepcopy(model)
    correct_biases(model, note, [batch])
    fake_quantize(model, note)
    fake_quantize(plain, note)
    corrected, before = means(model, batch), means(plain, batch)
    for name, mean in wanted.items():
        moved = (before[name] - mean).abs().max()
        assert moved > 1e-3, "rounding moves it"
        # Kernels differ by a float's last bit, which here and there is another step of a rounding:
        # 1e-7 to 5e-3 of what was moved is left.
        assert (corrected[name] - mean).abs().max() < 0.05 * moved


def test_over_several_batches_means_come_nearer(model, batches, note):
    assert len(batches) > 1
    wanted = [means(model, batch) for batch in batches]
    plain = copy.deepcopy(model)
    correct_biases(model, note, batches)

    def error(quantized):
        fake_quantize(quantized, note)
        found = [means(quantized, batch) for batch in batches]
        return sum(
            (one[name] - other[name]).abs().sum().item()
            for one, other in zip(found, wanted, strict=True)
            for name in one
        )

    assert error(model) < 0.7 * error(plain)


def test_kept_layers_and_weights_stay(model, batches):
    ranges = measure_ranges(model, batches, linear_layers(model))
    note = QuantizationNote.of(QuantizeConfig(method="static"), ranges, kept=(QUERY,))
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    correct_biases(model, note, batches)
    after = model.state_dict()
    assert after.keys() == before.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {f"{name}.bias" for name in linear_layers(model) if name != QUERY}


def test_layers_that_run_several_times_keep_their_biases(make_encoder, batches):
    """One bias can't put right what each of its runs adds, as an ALBERT's would have to."""
    model = make_encoder("albert")
    before = {name: layer.bias.clone() for name, layer in linear_layers(model).items()}
    ranges = measure_ranges(model, batches, linear_layers(model))
    correct_biases(model, QuantizationNote.of(QuantizeConfig(method="static"), ranges), batches)
    moved = {
        name for name, layer in linear_layers(model).items() if not layer.bias.equal(before[name])
    }
    assert moved
    assert not [name for name in moved if "albert_layer_groups" in name]
