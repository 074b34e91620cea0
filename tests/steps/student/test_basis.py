"""The basis of the student's hidden space: orthonormal, of most variance, gains diagonal in it."""

import numpy as np
import pytest
import torch

from tinybert.steps.student.basis import principal_basis

WIDTHS = [1, 5, 12]


@pytest.fixture
def states():
    """Hidden states of 12 dimensions that vary by a factor of 1,000, in no axis' direction."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(400, 12, generator=generator, dtype=torch.float64)
    rotation = torch.linalg.qr(torch.randn(12, 12, generator=generator, dtype=torch.float64)).Q
    return rows * torch.logspace(0, -3, 12, dtype=torch.float64) @ rotation


@pytest.fixture
def gains():
    return 1 + torch.rand(3, 12, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("width", WIDTHS)
def test_it_is_orthonormal(states, gains, width):
    basis = principal_basis(states.T @ states, gains, width)
    assert basis.shape == (12, width)
    torch.testing.assert_close(basis.T @ basis, torch.eye(width, dtype=torch.float64))


@pytest.mark.parametrize("width", WIDTHS)
def test_no_other_directions_keep_more(states, gains, width):
    basis = principal_basis(states.T @ states, gains, width)
    kept = (states @ basis).square().sum().item()
    singular = np.linalg.svd(states.numpy(), compute_uv=False)
    assert kept == pytest.approx((singular[:width] ** 2).sum(), rel=1e-9)


def test_the_mean_gain_is_diagonal_in_it(states, gains):
    """So that a gain of the student, one factor a dimension, can do what the teacher's do."""
    basis = principal_basis(states.T @ states, gains, 5)
    gain = basis.T @ (gains.double().mean(0)[:, None] * basis)
    torch.testing.assert_close(gain, gain.diagonal().diag())
