import numpy as np
import pytest
import torch

from tinybert.steps.quantize.fake import fake_integers
from tinybert.steps.quantize.integers import TWO_BITS, quantize_weights, uint8_grid


@pytest.mark.parametrize("group_size", [None, 32])
@pytest.mark.parametrize("largest", [127, 63, 7])
def test_each_weight_errs_by_half_the_step_of_its_channel_or_group(largest, group_size):
    rng = np.random.default_rng(0)
    weights = (rng.normal(size=(72, 40)) * np.logspace(-3, 0, 40)).astype(np.float32)
    integers, scales = quantize_weights(weights, 0, largest, group_size)
    assert scales.shape == (1 if group_size is None else 3, 40)
    steps = np.repeat(scales, group_size or 72, axis=0)[:72]
    assert (np.abs(integers * steps - weights) <= steps / 2 * 1.001).all()
    assert np.abs(integers).max() == largest


@pytest.mark.parametrize("group_size", [None, 32])
@pytest.mark.parametrize("largest", [127, 7])
def test_training_and_files_round_to_the_same_integers(largest, group_size):
    weights = np.random.default_rng(0).normal(size=(50, 72)).astype(np.float32)
    integers, scales = fake_integers(torch.from_numpy(weights), largest, group_size)
    expected, _ = quantize_weights(weights, 1, largest, group_size)
    assert np.array_equal(integers.numpy(), expected)
    # What was rounded is rounded to the same again: trained weights are saved as they compute.
    again, _ = quantize_weights((integers * scales).numpy(), 1, largest, group_size)
    assert np.array_equal(again, expected)


def test_reduced_range_uses_seven_bits_and_zeros_stay_zero():
    weights = np.array([[0.0, 1.0], [0.0, -3.0]], dtype=np.float32)
    integers, scales = quantize_weights(weights, axis=0, largest=63)
    assert integers.tolist() == [[0, 21], [0, -63]]
    assert np.isfinite(scales).all()


@pytest.mark.parametrize("ends", [(-3.0, 5.0), (1.0, 2.0), (-2.0, -1.0), (0.0, 0.0)])
def test_zero_is_always_a_point_of_the_grid_of_activations(ends):
    scale, zero_point = uint8_grid(*ends)
    assert scale > 0
    grid = (np.arange(256) - int(zero_point)) * scale
    assert 0 in grid
    assert grid[0] <= min(*ends, 0) + scale
    assert grid[-1] >= max(*ends, 0) - scale


@pytest.mark.parametrize("group_size", [None, 32])
def test_two_bits_are_the_same_in_training_in_files_and_again(group_size):
    weights = np.random.default_rng(0).normal(size=(50, 72)).astype(np.float32)
    levels, scales = fake_integers(torch.from_numpy(weights), TWO_BITS, group_size)
    expected, stored = quantize_weights(weights, 1, TWO_BITS, group_size)
    assert np.array_equal(levels.numpy(), expected + 0.5)
    assert set(np.unique(expected)) == {-2, -1, 0, 1}
    spread = stored.take(np.arange(72) // (group_size or 72), axis=1)
    np.testing.assert_allclose(scales.expand(50, 72).numpy(), spread, rtol=1e-5)
    again, scales_again = quantize_weights((levels * scales).numpy(), 1, TWO_BITS, group_size)
    assert np.array_equal(again, expected)
    np.testing.assert_allclose(scales_again, stored, rtol=1e-5)


def test_two_bits_lose_an_eighth_of_normal_weights():
    weights = np.random.default_rng(0).normal(size=(8, 4096)).astype(np.float32)
    integers, scales = quantize_weights(weights, 1, TWO_BITS)
    assert ((integers + 0.5) * scales - weights).var() < 0.125


@pytest.mark.parametrize("size", [0.0, 0.3, 1.0])
def test_two_bits_hold_weights_of_one_size_as_they_are(size):
    weights = np.where(np.arange(32) % 3, size, -size).astype(np.float32)[None]
    integers, scales = quantize_weights(weights, 1, TWO_BITS)
    np.testing.assert_allclose((integers + 0.5) * scales, weights, rtol=1e-6)
    levels, scales = fake_integers(torch.from_numpy(weights), TWO_BITS)
    np.testing.assert_allclose((levels * scales).numpy(), weights, rtol=1e-6)


def test_gradients_pass_two_bits():
    weights = torch.tensor([[-9.0, 0.1, 0.5, 2.0]], requires_grad=True)
    levels, scales = fake_integers(weights, TWO_BITS)
    (levels * scales).sum().backward()
    assert weights.grad.tolist() == [[1.0] * 4]
