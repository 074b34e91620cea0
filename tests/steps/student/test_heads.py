"""Reduced heads: equal where nothing is lost, the best of their width where something is."""

import pytest
import torch

from tinybert.steps.student.heads import reduce_heads

TOKENS, HIDDEN = 60, 10


def random(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def group(dims, rank=None):
    """Queries, keys and values of a group, and its output weights; queries of a rank."""
    query, key, value = (random(TOKENS, dims, seed=seed) for seed in range(3))
    if rank is not None:
        query = random(TOKENS, rank, seed=4) @ random(rank, dims, seed=5)
    return query, key, value, random(dims, HIDDEN, seed=3)


def attention(query, key, width):
    return (query @ key.T / width**0.5).softmax(-1)


@pytest.mark.parametrize(("dims", "rank", "width"), [(6, None, 6), (8, 3, 4), (8, 3, 3)])
def test_one_head_attends_as_before_where_its_rank_is_enough(dims, rank, width):
    query, key, value, output = group(dims, rank)
    reduced = reduce_heads(query, key, value, output, width, merged=1)
    ours = attention(query @ reduced.query, key @ reduced.key, width)
    torch.testing.assert_close(ours, attention(query, key, dims), atol=1e-3, rtol=0)


def test_a_head_as_wide_gives_the_same_output():
    query, key, value, output = group(6)
    reduced = reduce_heads(query, key, value, output, 6, merged=1)
    assert reduced.output.shape == (6, HIDDEN)
    ours = value @ reduced.value @ reduced.output
    torch.testing.assert_close(ours, value @ output, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("width", [1, 3, 5])
def test_no_other_head_of_its_width_has_nearer_scores_or_outputs(width):
    """By Eckart and Young, what is lost is what the smallest singular values hold."""
    query, key, value, output = group(8)
    reduced = reduce_heads(query, key, value, output, width, merged=1)
    wanted = query @ (key - key.mean(0)).T * (width / 8) ** 0.5
    ours = query @ reduced.query @ (reduced.key.T @ (key - key.mean(0)).T)
    lost = (ours - wanted).norm().item()
    assert lost == pytest.approx(torch.linalg.svdvals(wanted)[width:].norm().item(), rel=1e-3)
    lost = (value @ reduced.value @ reduced.output - value @ output).norm().item()
    best = torch.linalg.svdvals(value @ output)[width:].norm().item()
    assert lost == pytest.approx(best, rel=1e-3)


def test_merged_heads_have_the_mean_of_their_scores():
    """As wide as all of them, so that nothing is lost."""
    query, key, value, output = group(8)
    reduced = reduce_heads(query, key, value, output, 8, merged=2)
    halves = slice(0, 4), slice(4, 8)
    mean = sum(query[:, half] @ key[:, half].T / 4**0.5 for half in halves) / 2
    ours = attention(query @ reduced.query, key @ reduced.key, 8)
    torch.testing.assert_close(ours, mean.softmax(-1), atol=1e-3, rtol=0)
    torch.testing.assert_close(
        value @ reduced.value @ reduced.output, value @ output, atol=1e-3, rtol=1e-3
    )


def test_a_wider_head_has_no_dead_dimensions():
    """A zero query and a zero key would give each other no gradient for ever."""
    torch.manual_seed(0)
    query, key, value, output = group(4)
    reduced = reduce_heads(query, key, value, output, 6, merged=1)
    for matrix in (reduced.query, reduced.key, reduced.value, reduced.output.T):
        assert matrix.shape[1] == 6
        assert (matrix.abs().sum(0) > 0).all()
    ours = attention(query @ reduced.query, key @ reduced.key, 6)
    torch.testing.assert_close(ours, attention(query, key, 4), atol=1e-2, rtol=0)
