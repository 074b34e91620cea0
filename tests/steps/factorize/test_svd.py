"""The best product for the inputs that a weight gets."""

import torch

from tinybert.steps.factorize.svd import chosen_rank, factors, spectrum


def inputs(rows=400, width=12):
    torch.manual_seed(0)
    return (
        torch.randn(rows, width)
        @ torch.diag(torch.linspace(3, 0.1, width))
        @ torch.randn(width, width)
    )


def loss(weight, product, rows):
    return (rows @ (weight - product).T).square().sum(1).mean()


def test_at_full_rank_it_is_the_weight():
    rows, weight = inputs(), torch.randn(8, 12)
    up, down = factors(weight, rows.T @ rows / len(rows), 8)
    torch.testing.assert_close(up @ down, weight, atol=1e-3, rtol=1e-3)


def test_what_is_lost_is_what_the_spectrum_says():
    rows, weight = inputs(), torch.randn(8, 12)
    moment = rows.T @ rows / len(rows)
    values = spectrum(weight, moment)
    for rank in (1, 4, 7):
        up, down = factors(weight, moment, rank)
        lost = loss(weight, up @ down, rows).double()
        torch.testing.assert_close(lost, values[rank:].sum(), rtol=1e-3, atol=1e-4)


def test_it_loses_less_than_a_plain_decomposition():
    rows, weight = inputs(), torch.randn(8, 12)
    up, down = factors(weight, rows.T @ rows / len(rows), 3)
    left, singular, right = torch.linalg.svd(weight, full_matrices=False)
    plain = left[:, :3] * singular[:3] @ right[:3]
    assert loss(weight, up @ down, rows) < 0.9 * loss(weight, plain, rows)


def test_directions_that_were_never_seen_do_no_harm():
    rows, weight = inputs(rows=3), torch.randn(8, 12)
    up, down = factors(weight, rows.T @ rows / len(rows), 3)
    assert torch.isfinite(up).all()
    assert loss(weight, up @ down, rows) < 1e-3 * loss(weight, torch.zeros_like(weight), rows)


def test_the_rank_keeps_the_share():
    values = torch.tensor([8.0, 1.0, 0.5, 0.5])
    assert [chosen_rank(values, share) for share in (0.5, 0.8, 0.85, 0.95, 0.99)] == [1, 1, 2, 3, 4]
