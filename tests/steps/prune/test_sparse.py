import pytest
import torch

from tinybert.base.errors import InputError
from tinybert.steps.prune.sparse import Zeros, keep_largest, prunable, sparse_bytes


def matrices(seed=0):
    torch.manual_seed(seed)
    return [torch.randn(8, 16), 0.1 * torch.randn(4, 12)]


def test_the_smallest_of_each_matrix():
    weights = matrices()
    for weight, mask in zip(weights, keep_largest(weights, 0.75), strict=True):
        assert int(mask.sum()) == weight.numel() // 4
        assert weight[mask].abs().min() > weight[~mask].abs().max()


def test_the_smallest_of_all():
    weights = matrices()
    masks = keep_largest(weights, 0.5, uniform=False)
    sizes = torch.cat([weight.abs().flatten() for weight in weights])
    kept = torch.cat([mask.flatten() for mask in masks])
    assert int(kept.sum()) == len(sizes) // 2
    assert sizes[kept].min() > sizes[~kept].max()
    assert masks[0].float().mean() > masks[1].float().mean()


@pytest.mark.parametrize("pattern", [(2, 4), (1, 4), (3, 4), (1, 2)])
@pytest.mark.parametrize("uniform", [True, False])
def test_a_pattern_holds_in_every_group(pattern, uniform):
    kept, group = pattern
    weights = matrices()
    masks = keep_largest(weights, 1 - kept / group, pattern=pattern, uniform=uniform)
    for weight, mask in zip(weights, masks, strict=True):
        assert (mask.view(-1, group).sum(1) == kept).all()
        sizes = torch.where(mask, weight.abs(), 0).view(-1, group).sum(1)
        best = weight.abs().view(-1, group).topk(kept).values.sum(1)
        torch.testing.assert_close(sizes, best)


def test_on_the_way_a_pattern_takes_the_smallest_that_it_will_take_anyway():
    (weight,) = matrices()[:1]
    (half,) = keep_largest([weight], 0.25, pattern=(2, 4))
    (whole,) = keep_largest([weight], 0.5, pattern=(2, 4))
    assert int((~half).sum()) == weight.numel() // 4
    assert not (whole & ~half).any()


def test_zeros_stay_when_an_optimizer_fills_them(model):
    names = list(model.state_dict())
    with Zeros(model, share=0.5) as zeros:
        zeros.prune_to(1.0)
        with torch.no_grad():
            for module in zeros.modules.values():
                module.weight.add_(1e-3)
        zeros.after_step()
        for module in zeros.modules.values():
            assert (module.weight == 0).float().mean() == 0.5
    assert list(model.state_dict()) == names


def test_embeddings_if_they_are_wanted(model):
    with Zeros(model, share=0.5, embeddings=True) as zeros:
        zeros.prune_to(1.0)
    assert (model.get_input_embeddings().weight == 0).float().mean() == 0.5
    assert len(prunable(model, embeddings=True)) == len(prunable(model)) + 1 == 13


def test_a_pattern_that_does_not_divide(model):
    with pytest.raises(InputError, match=r"layer 1 attention\.self\.query is 32 wide"):
        Zeros(model, pattern=(2, 5))


def test_packed_bytes(model):
    dense = 4 * model.num_parameters()
    with Zeros(model, share=0.75) as zeros:
        zeros.prune_to(1.0)
        pruned = sum(module.weight.numel() for module in zeros.modules.values())
    assert sparse_bytes(model) == dense - 0.75 * pruned * 4 + pruned / 8
