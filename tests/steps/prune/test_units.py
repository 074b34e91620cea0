"""What is cut out is as if it were masked."""

import pytest
import torch

from tinybert.base.errors import InputError
from tinybert.formats.open import load_student
from tinybert.modeling.load import save_model
from tinybert.modeling.shape import (
    SHAPE_KEY,
    LowRankLinear,
    head_counts,
    neuron_counts,
    replace_module,
)
from tinybert.steps.prune.choice import MASK
from tinybert.steps.prune.gates import Gates, Group
from tinybert.steps.prune.importance import Magnitude
from tinybert.steps.prune.units import drop_layers, head_units, layer_units, neuron_units


def masked_and_shrunk(model, logits, head_masks, neuron_masks):
    groups = []
    if head_masks:
        groups.append(Group(head_units(model), 0.0))
    if neuron_masks:
        groups.append(Group(neuron_units(model), 0.0))
    with Gates(model, groups, Magnitude()) as gates:
        masks = [torch.tensor(mask, dtype=torch.bool) for mask in [*head_masks, *neuron_masks]]
        for units, mask in zip(gates.units, masks, strict=True):
            getattr(units.home, MASK).copy_(mask)
        masked = logits(model)
        for kept, mask in zip(gates.open(), masks, strict=True):
            assert torch.equal(kept, mask)
    for units, mask in zip(gates.units, masks, strict=True):
        units.shrink(mask)
    return masked, logits(model)


HEADS = [[1, 0, 0, 1], [0, 1, 1, 0]]
UNEVEN_HEADS = [[1, 0, 0, 0], [0, 1, 1, 1]]
NEURONS = [[1, 0] * 32, [0, 1] * 32]
UNEVEN_NEURONS = [[1, 0, 0, 0] * 16, [0, 1, 1, 1] * 16]


@pytest.mark.parametrize(
    ("heads", "neurons"),
    [(HEADS, []), ([], NEURONS), (HEADS, NEURONS), (UNEVEN_HEADS, UNEVEN_NEURONS)],
)
def test_the_smaller_model_equals_the_masked_one(
    model, logits, heads, neurons, tiny_context, tmp_path
):
    whole = logits(model)
    masked, shrunk = masked_and_shrunk(model, logits, heads, neurons)
    assert not torch.allclose(masked, whole, atol=1e-2)
    torch.testing.assert_close(shrunk, masked, atol=1e-5, rtol=1e-5)
    assert head_counts(model) == [sum(mask) for mask in heads or [[1] * 4] * 2]
    assert neuron_counts(model) == [sum(mask) for mask in neurons or [[1] * 64] * 2]
    save_model(model, tiny_context().tokenizer, tmp_path / "model")
    torch.testing.assert_close(logits(load_student(tmp_path / "model")), shrunk)


def test_gates_leave_nothing_behind(model, logits):
    before, names = logits(model), list(model.state_dict())
    with Gates(
        model, [Group(head_units(model), 0.5), Group(neuron_units(model), 0.5)], Magnitude()
    ):
        assert len(model.state_dict()) == len(names) + 8
        torch.testing.assert_close(logits(model), before)
    assert list(model.state_dict()) == names
    assert torch.equal(logits(model), before)


def test_a_dropped_layer_is_as_if_it_were_closed(model, logits):
    units = layer_units(model)
    with Gates(model, [Group(units, 0.5)], Magnitude()):
        getattr(units[0].home, MASK).zero_()
        masked = logits(model)
    drop_layers(model, {1})
    torch.testing.assert_close(logits(model), masked, atol=1e-5, rtol=1e-5)


def test_sizes_of_dropped_layers_go_too(model, tiny_context, tmp_path, logits):
    neuron_units(model)[1].shrink(torch.arange(64) < 24)
    drop_layers(model, {1})
    head_units(model)[0].shrink(torch.arange(4) < 3)
    save_model(model, tiny_context().tokenizer, tmp_path / "model")
    assert getattr(model.config, SHAPE_KEY) == {"attention_heads": [3]}
    assert (model.config.num_hidden_layers, model.config.intermediate_size) == (1, 24)
    torch.testing.assert_close(logits(load_student(tmp_path / "model")), logits(model))


@pytest.mark.parametrize(("dropped", "message"), [({3}, "no layer 3"), ({1, 2}, "must stay")])
def test_layers_that_can_not_go(model, dropped, message):
    with pytest.raises(InputError, match=message):
        drop_layers(model, dropped)


def test_low_rank_layers_are_refused(model):
    name = "encoder.layer.1.output.dense"
    replace_module(model.base_model, name, LowRankLinear(64, 4, 32))
    head_units(model)
    with pytest.raises(InputError, match="put `prune` before `factorize`"):
        neuron_units(model)
