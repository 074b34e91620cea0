"""Which units stay."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tinybert.steps.prune.rounding import rounded

MASK = "prune_mask"
"""The buffer that says what stays, beside the weights, so that a trainer's checkpoints have it."""


def choose(
    scores: Sequence[Tensor], share: float, *, uniform: bool = True, multiple: int = 1
) -> list[Tensor]:
    """The units that stay when a share of them goes.

    Args:
        scores: The importance of each layer's units, (units,) each.
        share: Of the units, to remove.
        uniform: The same share of each layer. Else units are ranked over all layers, their scores
            divided by their layer's norm, as layers differ in scale (Molchanov et al.,
            arXiv:1611.06440, section 2.2); every layer keeps its best.
        multiple: Units that stay in a layer are rounded to a multiple of it, and are at least
            as many, unless the layer has fewer.

    Returns:
        (units,) for each layer, True for what stays.

    Example:
        >>> choose([torch.tensor([1.0, 3.0, 2.0, 0.0])], 0.5)
        [tensor([False,  True,  True, False])]
    """
    wanted = [len(layer) * (1 - share) for layer in scores] if uniform else _ranked(scores, share)
    return [
        _best(layer, rounded(count, multiple, len(layer)))
        for layer, count in zip(scores, wanted, strict=True)
    ]


def _ranked(scores: Sequence[Tensor], share: float) -> list[float]:
    """How many of each layer are among the best of all."""
    norms = [layer.norm().clamp_min(torch.finfo(layer.dtype).tiny) for layer in scores]
    best_first = [layer / norm for layer, norm in zip(scores, norms, strict=True)]
    for layer in best_first:
        layer[layer.argmax()] = float("inf")
    total = max(len(scores), round(sum(map(len, scores)) * (1 - share)))
    owner = torch.cat([torch.full((len(layer),), at) for at, layer in enumerate(scores)])
    winners = owner[torch.cat(best_first).topk(total).indices.cpu()]
    return [float((winners == at).sum()) for at in range(len(scores))]


def _best(scores: Tensor, count: int) -> Tensor:
    kept = torch.zeros_like(scores, dtype=torch.bool)
    kept[scores.topk(count).indices] = True
    return kept
