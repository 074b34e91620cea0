"""Later layers compute the tokens that matter: those that others attend to most.

What a layer costs grows with the positions that it computes, and deeper hidden states repeat one
another. So from one layer's attention on, a long text goes on as the tokens that received the most
of it, over all heads and tokens (PoWER-BERT, arXiv:2001.08950, sections 3.2 and 3.3), with as many
at most in every text. The first position, which classifiers read, always stays. A text of no more
tokens is computed as it was, and padding changes nothing.
"""

import functools
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions

from tinybert.layers import MASKED, encoder_layers, split_heads


def select_in(model: PreTrainedModel, layer: int, positions: int) -> None:
    """Lets a model compute `positions` tokens at most behind the attention of `layer`, from 1.

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
        >>> select_in(model, layer=1, positions=4)
        >>> model(torch.ones(1, 16, dtype=torch.int64)).last_hidden_state.shape
        torch.Size([1, 4, 8])
    """
    layers = encoder_layers(model)
    if not 1 <= layer < len(layers) or positions < 2:
        raise ValueError(f"can't select {positions} positions in layer {layer}")
    if model.config.is_decoder:
        raise ValueError("can't select positions of a decoder")
    encoder: Any = model.base_model.encoder
    encoder.selection = {"layer": layer, "positions": positions}
    encoder.forward = functools.partial(_encoder_forward, encoder)
    layers[layer - 1].forward = functools.partial(_layer_forward, layers[layer - 1], positions)


def selection_of(model: PreTrainedModel) -> dict[str, int] | None:
    """What `select_in` was given, by name; None for other models."""
    encoder: Any = getattr(model.base_model, "encoder", None)
    return getattr(encoder, "selection", None)


def _encoder_forward(
    encoder: Any, hidden_states: Tensor, attention_mask: Tensor | None = None, **options: Any
) -> BaseModelOutputWithPastAndCrossAttentions:
    """An encoder's (batch, length, width) to (batch, positions, width)."""
    states = hidden_states
    for number, layer in enumerate(encoder.layer, start=1):
        states = layer(states, attention_mask, **options)
        if number == encoder.selection["layer"] and attention_mask is not None:
            attention_mask = _selected_mask(attention_mask, states.shape[1])
    return BaseModelOutputWithPastAndCrossAttentions(last_hidden_state=states)


def _layer_forward(
    layer: Any,
    positions: int,
    states: Tensor,
    attention_mask: Tensor | None = None,
    *_: object,
    **__: object,
) -> Tensor:
    """A BERT layer's (batch, length, width) to (batch, positions, width)."""
    own = layer.attention.self

    size = own.attention_head_size
    query, key, value = (
        split_heads(make(states), size) for make in (own.query, own.key, own.value)
    )
    if attention_mask is None:
        real = torch.ones(states.shape[:2], dtype=torch.bool, device=states.device)
    else:
        real = _real(attention_mask)
    scores = query @ key.transpose(-1, -2) * own.scaling
    probabilities = (scores + (~real).to(scores.dtype)[:, None, None] * MASKED).softmax(-1)
    context = (own.dropout(probabilities) @ value).transpose(1, 2).flatten(2)
    if torch.compiler.is_exporting() or states.shape[1] > positions:  # a graph is for any length
        chosen = choose(received(probabilities.detach(), real), real, positions)
        context, states = _pick(chosen, context), _pick(chosen, states)
    return layer.feed_forward_chunk(layer.attention.output(context, states))


def received(probabilities: Tensor, real: Tensor) -> Tensor:
    """How much attention each token gets from all heads of all tokens.

    Args:
        probabilities: (batch, heads, query, key).
        real: (batch, length), false at padding.

    Returns:
        (batch, length).
    """
    return (probabilities.sum(1) * real[:, :, None]).sum(1)


def choose(scores: Tensor, real: Tensor, positions: int) -> Tensor:
    """The first token and those with the highest scores, in their order.

    Args:
        scores: (batch, length).
        real: (batch, length), false at padding.
        positions: At most so many are chosen.

    Returns:
        (batch, positions, length), 1 where a token goes to a position, else 0. Positions that a
        row has no tokens for are all 0.

    Example:
        >>> scores, real = torch.tensor([[0.0, 1.0, 3.0, 2.0]]), torch.ones(1, 4).bool()
        >>> choose(scores, real, 3).argmax(-1).tolist()
        [[0, 2, 3]]
    """
    places = torch.arange(scores.shape[1], device=scores.device)
    # No attention is negative, and a text's is its heads times its tokens at most.
    scores = scores + (places == 0).to(scores.dtype) * 1e5 - (~real).to(scores.dtype)
    higher = scores[:, :, None] > scores[:, None, :]
    earlier = (scores[:, :, None] == scores[:, None, :]) & (places[:, None] < places)
    # A rank, not `topk`, whose number of results would have to be the same for every length.
    stays = ((higher | earlier).sum(1) < positions) & real
    order = stays.long().cumsum(1) - 1
    chosen = (order[:, None] == places[:positions, None]) & stays[:, None]
    return chosen.float()


def _pick(chosen: Tensor, states: Tensor) -> Tensor:
    """(batch, positions, length) of (batch, length, width)."""
    # Not under autocast, which would round what a residual stream holds.
    rounds = torch.is_autocast_enabled(states.device.type)
    with torch.autocast(states.device.type, enabled=False) if rounds else nullcontext():
        return chosen.to(states.dtype) @ states


def going_on(real: Tensor, positions: int) -> Tensor:
    """Which positions hold a token once some were chosen: a row's tokens come first.

    Args:
        real: (batch, length), 0 or false at padding, before.
        positions: That are left.

    Returns:
        (batch, positions), false at padding.
    """
    return torch.arange(positions, device=real.device) < real.sum(1, keepdim=True)


def _real(mask: Tensor) -> Tensor:
    """(batch, length), false at padding.

    Args:
        mask: As layers are given it: (batch, length), 0 at padding; (batch, 1, query or 1, key),
            false or very negative at padding.
    """
    if mask.dim() == 4:
        mask = mask[:, 0, 0]
        mask = mask if mask.dtype == torch.bool else mask >= 0
    return mask.bool()


def _selected_mask(mask: Tensor, positions: int) -> Tensor:
    """A mask of the kind of `mask` for the positions that are left."""
    real = going_on(_real(mask), positions)
    if mask.dim() == 2:
        return real.to(mask.dtype)
    real = real[:, None, None]
    return real if mask.dtype == torch.bool else (~real).to(mask.dtype) * MASKED
