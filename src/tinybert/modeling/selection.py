"""Layers compute the tokens that matter: a long text goes on as those of the highest scores.

What a layer costs grows with the positions that it computes, and not every token of a text says as
much. So behind some layer, or behind the embeddings already, each token has a score, a linear
function of its hidden state, and as many tokens at most go on as are wanted, whatever the text.
(PoWER-BERT, arXiv:2001.08950, keeps a number of tokens so, by the attention that they receive;
Transkimmer, arXiv:2205.07324, learns which to keep.) What the scores come from is
`tinybert.steps.shorten.saliency`. The first position, which classifiers read, always stays. A text
of no more tokens is computed as it was, and padding changes nothing.
"""

import functools
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions

from tinybert.families import find_family, require
from tinybert.modeling.blocks import MASKED, blocks
from tinybert.modeling.parts import encoder_of, family_in


class Selection(nn.Module):
    """Chooses the tokens that go on.

    Args:
        layer: Behind which; 0 is behind the embeddings.
        positions: That go on at most.
        width: Of hidden states.

    Attributes:
        weight: (width,), a buffer: what a hidden state is multiplied by to give its score. While
            it is 0, as at the beginning, the first tokens of a text go on.
    """

    weight: Tensor

    def __init__(self, layer: int, positions: int, width: int) -> None:
        super().__init__()
        self.layer, self.positions = layer, positions
        self.register_buffer("weight", torch.zeros(width))

    def forward(self, states: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """States and mask of all tokens to those of the chosen ones.

        Args:
            states: (batch, length, width).
            mask: As layers are given it: (batch, length), 0 at padding; (batch, 1, query or 1,
                key), false or very negative at padding; None: there is none.

        Returns:
            (batch, positions, width), and a mask of the kind that was given.
        """
        if not torch.compiler.is_exporting() and states.shape[1] <= self.positions:
            return states, mask  # a graph, though, is for any length
        real = states.new_ones(states.shape[:2]).bool() if mask is None else _real(mask)
        with _unrounded(states):
            scores = states.detach() @ self.weight.to(states.dtype)
            chosen = choose(scores, real, self.positions)
            states = chosen.to(states.dtype) @ states
        return states, None if mask is None else _selected_mask(mask, real, states.shape[1])


def select_in(model: PreTrainedModel, layer: int, positions: int) -> Selection:
    """Lets a model compute `positions` tokens at most behind `layer`.

    Args:
        model: Of a family that can; changed in place. Its head must read the first position
            alone.
        layer: Fewer than there are; 0 is behind the embeddings.
        positions: 2 or more.

    Returns:
        The part of the model that chooses.

    Raises:
        InputError: The model's family can't do it.
        ValueError: No layer comes behind that one, there are too few positions, or the model is a
            decoder, whose positions see different ones.

    Example:
        >>> from transformers import BertConfig, BertModel
        >>> model = BertModel(BertConfig(vocab_size=9, num_hidden_layers=2, hidden_size=8,
        ...     num_attention_heads=2, intermediate_size=16)).eval()
        >>> select_in(model, layer=1, positions=4).weight.shape
        torch.Size([8])
        >>> model(torch.ones(1, 16, dtype=torch.int64)).last_hidden_state.shape
        torch.Size([1, 4, 8])
    """
    family = family_in(model)
    require(family, "shorten")
    if not 0 <= layer < len(blocks(model)) or positions < 2:
        raise ValueError(f"can't select {positions} positions behind layer {layer}")
    if getattr(model.config, "is_decoder", False):
        raise ValueError("can't select positions of a decoder")
    encoder, layers = encoder_of(model), family.layers.removeprefix(f"{family.encoder}.")
    selection = Selection(layer, positions, model.config.hidden_size)
    encoder.selection = selection.to(model.device)
    encoder.forward = functools.partial(_encoder_forward, encoder, layers)
    return selection


def selection_of(model: PreTrainedModel) -> Selection | None:
    """The part that `select_in` gave a model; None in others."""
    if find_family(model.config.model_type) is None:
        return None
    return getattr(encoder_of(model), "selection", None)


def _encoder_forward(
    encoder: Any,
    layers: str,
    hidden_states: Tensor,
    attention_mask: Tensor | None = None,
    **options: Any,
) -> BaseModelOutputWithPastAndCrossAttentions:
    """An encoder's (batch, length, width) to (batch, positions, width)."""
    states = hidden_states
    for number, layer in enumerate(encoder.get_submodule(layers)):
        if number == encoder.selection.layer:
            states, attention_mask = encoder.selection(states, attention_mask)
        states = layer(states, attention_mask, **options)
    return BaseModelOutputWithPastAndCrossAttentions(last_hidden_state=states)


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
    scores = scores.masked_fill(~real, -torch.inf).masked_fill(places == 0, torch.inf)
    higher = scores[:, :, None] > scores[:, None, :]
    earlier = (scores[:, :, None] == scores[:, None, :]) & (places[:, None] < places)
    # A rank, not `topk`, whose number of results would have to be the same for every length.
    stays = ((higher | earlier).sum(1) < positions) & real
    order = stays.long().cumsum(1) - 1
    chosen = (order[:, None] == places[:positions, None]) & stays[:, None]
    return chosen.float()


def going_on(real: Tensor, positions: int) -> Tensor:
    """Which positions hold a token once some were chosen: a row's tokens come first.

    Args:
        real: (batch, length), 0 or false at padding, before.
        positions: That are left.

    Returns:
        (batch, positions), false at padding.
    """
    return torch.arange(positions, device=real.device) < real.sum(1, keepdim=True)


def _unrounded(states: Tensor) -> AbstractContextManager[object]:
    """Not under autocast, which would round what a residual stream holds."""
    kind = states.device.type
    rounds = torch.is_autocast_enabled(kind)
    return torch.autocast(kind, enabled=False) if rounds else nullcontext()


def _real(mask: Tensor) -> Tensor:
    """(batch, length), false at padding; see `Selection.forward`."""
    if mask.dim() == 4:
        mask = mask[:, 0, 0]
        mask = mask if mask.dtype == torch.bool else mask >= 0
    return mask.bool()


def _selected_mask(mask: Tensor, real: Tensor, positions: int) -> Tensor:
    """A mask of the kind of `mask` for the positions that are left."""
    left = going_on(real, positions)
    if mask.dim() == 2:
        return left.to(mask.dtype)
    left = left[:, None, None]
    return left if mask.dtype == torch.bool else (~left).to(mask.dtype) * MASKED
