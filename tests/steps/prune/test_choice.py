import torch

from tinybert.steps.prune.choice import choose


def test_the_same_share_of_every_layer():
    scores = [torch.rand(12, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)]
    kept = choose(scores, 0.5)
    assert [int(mask.sum()) for mask in kept] == [6, 6]
    for mask, layer in zip(kept, scores, strict=True):
        assert layer[mask].min() > layer[~mask].max()


def test_counts_are_rounded():
    (kept,) = choose([torch.rand(100)], 0.5, multiple=16)
    assert int(kept.sum()) == 48


def test_ranked_over_layers_of_any_scale():
    one, other = torch.tensor([1.0, 1.0, 1.0, 1.0]), torch.tensor([1e-6, 1e-9, 1e-9, 1e-9])
    kept = choose([one, other], 0.375, uniform=False)
    assert [int(mask.sum()) for mask in kept] == [4, 1]
    assert kept[1].tolist() == [True, False, False, False]


def test_every_layer_keeps_one():
    kept = choose([torch.tensor([0.0, 0.0]), torch.tensor([5.0, 4.0])], 0.99, uniform=False)
    assert [int(mask.sum()) for mask in kept] == [1, 1]


def test_nothing_goes():
    assert choose([torch.rand(7)], 0.0, multiple=16)[0].all()
