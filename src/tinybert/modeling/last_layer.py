"""The last layer computes what the head reads: the first position, not all of them.

A classification head reads the last hidden state at [CLS] alone. There, queries, the output of
attention and the feed-forward block of all other positions are computed for nothing: of a layer
as wide as BERT's, all but a sixth of the products. Keys and values of all positions stay. The
logits, and their gradients, are the same.
"""

import contextlib
import functools
import sys
from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from tinybert.modeling.blocks import BERT_LIKE, encoder_layers, split_heads


def reads_first_position(model: PreTrainedModel) -> bool:
    """Whether the model's head is known to read the first position alone.

    Example:
        >>> from transformers import BertConfig, BertForTokenClassification
        >>> reads_first_position(BertForTokenClassification(BertConfig(num_hidden_layers=1)))
        False
    """
    kind = type(model)
    ours = kind.__module__.startswith("transformers.models.")  # a user's own head may read all
    return (
        ours
        and model.config.model_type in BERT_LIKE
        and kind.__name__.endswith("ForSequenceClassification")
    )


@contextlib.contextmanager
def first_position_alone(model: PreTrainedModel) -> Iterator[None]:
    """While the block runs, the last layer of a model with such a head gives (batch, 1, width).

    Models with other heads stay as they are, and so do those whose last layer is watched by hooks,
    such as the gates of pruning.

    Example:
        >>> with first_position_alone(model):  # doctest: +SKIP
        ...     model(**features).logits
    """
    layer = encoder_layers(model)[-1] if reads_first_position(model) else None
    if layer is None or "forward" in vars(layer) or _watched(layer):
        yield
        return
    layer.forward = functools.partial(_forward, layer)
    try:
        yield
    finally:
        del layer.forward


def _watched(layer: nn.Module) -> bool:
    """Whether hooks see what happens within, but for those that Transformers leaves in a model."""
    hooks = (
        hook
        for part in layer.modules()
        for hook in (*part._forward_pre_hooks.values(), *part._forward_hooks.values())
    )
    return any(hook.__module__ != "transformers.utils.output_capturing" for hook in hooks)


def _forward(
    layer: Any, states: Tensor, attention_mask: Tensor | None = None, *_: object, **__: object
) -> Tensor:
    """A BERT layer's (batch, length, width) to (batch, 1, width)."""
    own = layer.attention.self
    first = states[:, :1]

    if attention_mask is not None and attention_mask.dim() == 4:
        attention_mask = attention_mask[:, :, :1]  # (batch, 1, query, key)
    eager = sys.modules[type(own).__module__].eager_attention_forward
    attend = ALL_ATTENTION_FUNCTIONS.get_interface(own.config._attn_implementation, eager)
    attended = attend(
        own,
        split_heads(own.query(first), own.attention_head_size),
        split_heads(own.key(states), own.attention_head_size),
        split_heads(own.value(states), own.attention_head_size),
        attention_mask,
        dropout=own.dropout.p if own.training else 0.0,
        scaling=own.scaling,
    )[0]
    context = attended.flatten(2)  # of (batch, 1, heads, size)
    return layer.feed_forward_chunk(layer.attention.output(context, first))
