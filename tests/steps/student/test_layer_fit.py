"""A fitted layer: its residual is zero where nothing is reduced, or where it can be made good."""

import pytest
import torch
from torch import nn

from tinybert.steps.student.from_teacher import initialize_from_teacher
from tinybert.steps.student.layer_fit import fit_gain

pytestmark = pytest.mark.usefixtures("same_basis")


@torch.no_grad()
def hidden(model, batches):
    """What each layer gave for real tokens."""
    seen = []
    for batch in batches:
        states = model(**batch, output_hidden_states=True).hidden_states
        seen.append(torch.stack([layer[batch["attention_mask"].bool()] for layer in states]))
    return torch.cat(seen, dim=1)


def residual(student, teacher, batches):
    """The squared error of each layer's output, as a share of its power; embeddings first."""
    ours, theirs = hidden(student, batches), hidden(teacher, batches)
    return ((ours - theirs).square().sum((1, 2)) / theirs.square().sum((1, 2))).tolist()


def test_nothing_is_lost_where_nothing_is_reduced(big, small, rows):
    student = small()
    assert min(residual(student, big, rows())) > 0.1
    initialize_from_teacher(student, big, [1, 2], rows())
    assert max(residual(student, big, rows())) < 1e-6
    assert max(residual(student, big, rows(seed=1))) < 1e-5  # nor on rows that it did not see


def test_neurons_that_write_nothing_are_those_that_go(big, small, rows):
    with torch.no_grad():
        for layer in big.base_model.encoder.layer:
            layer.output.dense.weight[:, 1::2] = 0
    student = small(intermediate_size=32)
    initialize_from_teacher(student, big, [1, 2], rows())
    assert max(residual(student, big, rows(seed=1))) < 1e-5


def test_heads_that_use_half_of_their_dimensions_are_fitted_too(big, small, rows):
    """The second moments of their queries, keys and values have no inverse."""
    with torch.no_grad():
        for layer in big.base_model.encoder.layer:
            for name in ("query", "key", "value"):
                linear = getattr(layer.attention.self, name)
                for unused in (linear.weight, linear.bias):
                    unused.unflatten(0, (4, 8))[:, 4:] = 0
    student = small()
    initialize_from_teacher(student, big, [1, 2], rows())
    assert max(residual(student, big, rows(seed=1))) < 1e-4


def test_a_skipped_layer_is_made_good_as_far_as_it_can_be(big, small, rows):
    """The only layer of a student learns what the teacher's second gives, not its first."""
    student = small(layers=1)
    initialize_from_teacher(student, big, [2], rows())
    ours, theirs = hidden(student, rows())[-1], hidden(big, rows())
    to_first, to_second = ((ours - theirs[layer]).square().mean() for layer in (1, 2))
    assert to_second < 0.5 * to_first


def test_a_gain_is_found(rows):
    generator = torch.Generator().manual_seed(0)
    given = [torch.randn(20, 6, generator=generator) for _ in range(3)]
    wanted = nn.LayerNorm(6)
    nn.init.normal_(wanted.weight)
    nn.init.normal_(wanted.bias)
    norm = nn.LayerNorm(6)
    with torch.no_grad():
        fit_gain(norm, given, [wanted(each) for each in given])
    torch.testing.assert_close(norm.weight, wanted.weight)
    torch.testing.assert_close(norm.bias, wanted.bias)
