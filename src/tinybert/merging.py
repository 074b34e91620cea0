"""Later layers compute fewer positions: neighbouring tokens of a long text go on as their mean.

What a layer costs grows with the positions that it computes, and deeper hidden states repeat one
another (PoWER-BERT, arXiv:2001.08950; Funnel-Transformer, arXiv:2006.03236). The first position,
which classifiers read, stays by itself. A text of no more tokens than there are positions is
computed as it was, and padding changes nothing: groups are made of a row's own tokens.
"""

import functools
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions

from tinybert.layers import MASKED, encoder_layers


def merge_after(model: PreTrainedModel, layer: int, positions: int) -> None:
    """Lets the layers behind `layer`, counted from 1, compute `positions` positions at most.

    Args:
        model: BERT-like; changed in place. Its head must read the first position alone.
        layer: 1 or more, and fewer than there are.
        positions: 2 or more.

    Raises:
        ValueError: There is no such layer before another, there are too few positions, or the
            model is a decoder, whose positions see different ones.

    Example:
        >>> from transformers import BertConfig, BertModel
        >>> model = BertModel(BertConfig(vocab_size=9, num_hidden_layers=2, hidden_size=8,
        ...     num_attention_heads=2, intermediate_size=16)).eval()
        >>> merge_after(model, layer=1, positions=4)
        >>> model(torch.ones(1, 16, dtype=torch.int64)).last_hidden_state.shape
        torch.Size([1, 4, 8])
    """
    if not 1 <= layer < len(encoder_layers(model)) or positions < 2:
        raise ValueError(f"can't merge to {positions} positions after layer {layer}")
    if model.config.is_decoder:
        raise ValueError("can't merge positions of a decoder")
    encoder: Any = model.base_model.encoder
    encoder.merging = {"after_layer": layer, "positions": positions}
    encoder.forward = functools.partial(_forward, encoder)


def merging_of(model: PreTrainedModel) -> dict[str, int] | None:
    """What `merge_after` was given, by name; None for other models."""
    encoder: Any = getattr(model.base_model, "encoder", None)
    return getattr(encoder, "merging", None)


def _forward(
    encoder: Any, hidden_states: Tensor, attention_mask: Tensor | None = None, **options: Any
) -> BaseModelOutputWithPastAndCrossAttentions:
    """An encoder's (batch, length, width) to (batch, positions, width)."""
    states, settings = hidden_states, encoder.merging
    for number, layer in enumerate(encoder.layer):
        if number == settings["after_layer"] and _may_be_longer(states, settings["positions"]):
            states, attention_mask = merge(states, attention_mask, settings["positions"])
        states = layer(states, attention_mask, **options)
    return BaseModelOutputWithPastAndCrossAttentions(last_hidden_state=states)


def _may_be_longer(states: Tensor, positions: int) -> bool:
    """Whether there is something to merge; a graph that is traced is for any length."""
    return torch.compiler.is_exporting() or states.shape[1] > positions


def merge(
    states: Tensor, attention_mask: Tensor | None, positions: int
) -> tuple[Tensor, Tensor | None]:
    """Means of neighbouring tokens, as equally large groups as there can be.

    Args:
        states: (batch, length, width).
        attention_mask: As layers are given it: (batch, length), 0 at padding; (batch, 1, query or
            1, key), false or very negative at padding; None where nothing is padded.
        positions: At most so many are left.

    Returns:
        (batch, positions, width), and a mask of the same kind for them. Positions that a row has
        no tokens for are padding.
    """
    groups = _groups(_real(states, attention_mask), positions)
    sizes = groups.sum(-1, keepdim=True)
    # Not under autocast, which would round what a residual stream holds.
    exact = torch.is_autocast_enabled(states.device.type)
    with torch.autocast(states.device.type, enabled=False) if exact else nullcontext():
        merged = (groups / sizes.clamp(min=1)).to(states.dtype) @ states
    return merged, _mask_like(attention_mask, sizes.squeeze(-1) > 0)


def _groups(real: Tensor, positions: int) -> Tensor:
    """(batch, positions, length), 1 where a token belongs to a group, else 0.

    The first token is group 0; those from 1 to `last` share the groups from 1 to `most`: token p is
    in group ⌊(p - 1) · most / last⌋ + 1. That is asked without dividing, in integers: runtimes
    divide by reciprocals, or in bfloat16.
    """
    places = real.cumsum(1) - 1
    most = positions - 1
    last = places[:, -1:, None].clamp(min=most)
    numbers = torch.arange(real.shape[1], device=real.device)[:positions, None]
    scaled = ((places - 1) * most)[:, None]
    starts = numbers * last
    belongs = (scaled >= starts - last) & (scaled < starts) & real.bool()[:, None]
    return belongs.float()


def _real(states: Tensor, mask: Tensor | None) -> Tensor:
    """(batch, length), 1 at tokens and 0 at padding."""
    if mask is None:
        return torch.ones(states.shape[:2], dtype=torch.int64, device=states.device)
    if mask.dim() == 4:
        mask = mask[:, 0, 0]
        mask = mask if mask.dtype == torch.bool else mask >= 0
    return mask.long()


def _mask_like(mask: Tensor | None, real: Tensor) -> Tensor | None:
    """A mask of the kind of `mask` for (batch, positions) that are real or not."""
    if mask is None:
        return None
    if mask.dim() == 2:
        return real.to(mask.dtype)
    real = real[:, None, None]
    if mask.dtype == torch.bool:
        return real
    return (~real).to(mask.dtype) * MASKED
