"""Ranges, and the gradients that pass them."""

import pytest
import torch
from transformers import TrainerState

from tinybert.steps.quantize.activations import ActivationRange, RenewRanges


def test_gradients_pass_inside_the_range_and_stop_outside():
    states = torch.tensor([-3.0, -0.6, 0.0, 0.3, 0.99, 4.0], requires_grad=True)
    values, step = ActivationRange(-1.0, 1.0)(states)
    (values * step).sum().backward()
    assert states.grad.tolist() == pytest.approx([0, 1, 1, 1, 1, 0])
    assert (values * step).tolist() == pytest.approx([-1, -0.6, 0, 0.3, 0.99, 1], abs=0.006)


def test_renewed_ranges_are_those_of_what_was_seen_in_training_since():
    range_ = ActivationRange(-9.0, 9.0)
    renew = RenewRanges([range_], every=2)
    states = [torch.tensor([-1.0, 2.0]), torch.tensor([-3.0, 1.0]), torch.tensor([-0.5, 0.5])]
    range_.train()
    for step, seen in enumerate(states, start=1):
        range_(seen)
        renew.on_step_end(None, TrainerState(global_step=step), None)
        assert range_.ends() == ((-9, 9) if step == 1 else (-3, 2))
    range_.eval()(torch.tensor([-100.0, 100.0]))
    renew.on_step_end(None, TrainerState(global_step=4), None)
    assert range_.ends() == (-0.5, 0.5), "the window began anew, and evaluation is not in it"


def test_what_was_seen_survives_a_checkpoint():
    range_ = ActivationRange(-9.0, 9.0).train()
    range_(torch.tensor([-1.0, 2.0]))
    resumed = ActivationRange(-5.0, 5.0).train()
    resumed.load_state_dict(range_.state_dict())
    resumed(torch.tensor([0.0, 3.0]))
    resumed.renew()
    assert resumed.ends() == (-1, 3)


def test_a_range_without_new_values_stays():
    range_ = ActivationRange(-1.0, 1.0)
    range_.renew()
    assert range_.ends() == (-1, 1)


@pytest.mark.parametrize(("ends", "better"), [((-8.0, 8.0), "narrower"), ((-0.5, 0.5), "wider")])
def test_learned_ranges_go_where_the_error_is_smaller(ends, better):
    torch.manual_seed(0)
    states = torch.randn(4000)
    range_ = ActivationRange(*ends, learned=True)
    optimizer = torch.optim.Adam(range_.parameters(), lr=0.02)
    errors = []
    for _ in range(30):
        values, step = range_(states)
        loss = (values * step - states).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        errors.append(loss.item())
    assert errors[-1] < errors[0]
    low, high = range_.ends()
    assert (high - low < ends[1] - ends[0]) == (better == "narrower")


def test_an_activation_that_is_always_zero():
    values, step = ActivationRange(0.0, 0.0)(torch.zeros(3))
    assert values.tolist() == [0, 0, 0]
    assert step > 0
