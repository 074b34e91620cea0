import torch
from torch import nn

from tinybert.modeling.least_squares import GainFit, LinearFit


def test_a_linear_map_is_found_batch_by_batch():
    torch.manual_seed(0)
    source, fitted = nn.Linear(6, 4), nn.Linear(6, 4)
    fit = LinearFit(6, 4)
    for _ in range(5):
        rows = torch.randn(100, 6) + 3
        fit.add(rows, source(rows))
    fit.solve(fitted, ridge=1e-8)
    torch.testing.assert_close(fitted.weight, source.weight, atol=1e-3, rtol=0)
    torch.testing.assert_close(fitted.bias, source.bias, atol=1e-3, rtol=0)


def test_directions_without_data_keep_the_prior():
    torch.manual_seed(0)
    source, fitted = nn.Linear(6, 4), nn.Linear(6, 4)
    prior = fitted.weight.detach().clone()
    rows = torch.randn(200, 6)
    rows[:, 3:] = 0
    fit = LinearFit(6, 4)
    fit.add(rows, source(rows))
    fit.solve(fitted)
    torch.testing.assert_close(fitted.weight[:, 3:], prior[:, 3:], atol=1e-4, rtol=0)
    torch.testing.assert_close(fitted.weight[:, :3], source.weight[:, :3], atol=1e-2, rtol=0)


def test_fewer_rows_than_unknowns():
    torch.manual_seed(0)
    fitted, fit = nn.Linear(50, 4), LinearFit(50, 4)
    rows = torch.randn(2, 50)
    fit.add(rows, torch.randn(2, 4))
    fit.solve(fitted)
    assert torch.isfinite(fitted.weight).all()


def test_a_gain_is_found():
    torch.manual_seed(0)
    gain, bias, norm = torch.randn(5), torch.randn(5), nn.LayerNorm(5)
    fit = GainFit(5)
    for _ in range(3):
        rows = torch.randn(50, 5)
        fit.add(rows, rows * gain + bias)
    fit.solve(norm)
    torch.testing.assert_close(norm.weight, gain, atol=1e-4, rtol=0)
    torch.testing.assert_close(norm.bias, bias, atol=1e-4, rtol=0)


def test_a_dimension_that_never_varies_has_a_finite_gain():
    norm, fit = nn.LayerNorm(2), GainFit(2)
    fit.add(torch.tensor([[1.0, 2.0], [1.0, 3.0]]), torch.tensor([[5.0, 2.0], [5.0, 3.0]]))
    fit.solve(norm)
    assert torch.isfinite(norm.weight).all()
