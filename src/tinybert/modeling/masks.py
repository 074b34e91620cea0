"""What layers add to attention scores, for exports: who sees whom, computed once for all layers."""

from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tinybert.families import find_family
from tinybert.modeling.blocks import MASKED
from tinybert.modeling.parts import window_of

LOCAL, GLOBAL = "sliding_attention", "full_attention"
"""How Transformers calls the two kinds of layers of a model that has local ones."""


def additive_mask(model: PreTrainedModel, mask: Tensor) -> Any:
    """The mask that a model's layers are given, as Transformers takes it ready-made.

    Args:
        model: Its family says whether tokens see those after them, and how far they see.
        mask: (batch, length), 0 at padding.

    Returns:
        (batch, 1, query or 1, key), 0 where a query sees a key and very negative where it does
        not; of a family with local layers, one for each kind of layer, by its name.
    """
    family = find_family(model.config.model_type)
    scores = (1 - mask[:, None, None, :].float()) * MASKED
    if family is None or not (family.causal or family.window):
        return scores
    places = torch.arange(mask.shape[1], device=mask.device)
    distance = places[None, :] - places[:, None]  # of the key from the query
    if family.causal:
        return _unseen(scores, distance > 0)
    reach = (window_of(model) or 0) // 2
    return {GLOBAL: scores, LOCAL: _unseen(scores, distance.abs() > reach)}


def _unseen(scores: Tensor, hidden: Tensor) -> Tensor:
    """Scores with what is hidden, (query, key), masked: the sum would overflow fp16."""
    return torch.minimum(scores, hidden.float()[None, None] * MASKED)
