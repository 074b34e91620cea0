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

from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from tinybert.families import find_family
from tinybert.modeling.blocks import Block, blocks, split_heads


def reads_first_position(model: PreTrainedModel) -> bool:
    """Whether the model's head is known to read the first position alone.

    Example:
        >>> from transformers import BertConfig, BertForTokenClassification
        >>> reads_first_position(BertForTokenClassification(BertConfig(num_hidden_layers=1)))
        False
    """
    kind = type(model)
    ours = kind.__module__.startswith("transformers.models.")  # a user's own head may read all
    family = find_family(model.config.model_type)
    if family is None or not ours or not kind.__name__.endswith("ForSequenceClassification"):
        return False
    pooled = bool(family.pooling) and getattr(model.config, family.pooling) != "cls"
    return family.reads == "first" and not pooled


@contextlib.contextmanager
def first_position_alone(model: PreTrainedModel) -> Iterator[None]:
    """While the block runs, the last layer of a model with such a head gives (batch, 1, width).

    Models with other heads stay as they are, and so do those of families whose layers can't do it
    and those whose last layer is watched by hooks, such as the gates of pruning.

    Example:
        >>> with first_position_alone(model):  # doctest: +SKIP
        ...     model(**features).logits
    """
    block = blocks(model)[-1] if reads_first_position(model) else None
    if block is None or block.family.narrowing is None:
        yield
        return
    layer = block.module
    if "forward" in vars(layer) or _watched(layer):
        yield
        return
    layer.forward = functools.partial(_forward, block)
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
    block: Block, states: Tensor, attention_mask: Tensor | None = None, *_: object, **__: object
) -> Tensor:
    """A layer's (batch, length, width) to (batch, 1, width)."""
    own, end, feed_forward = block.narrowed()
    query, key, value = block.projections
    first = states[:, :1]

    if attention_mask is not None and attention_mask.dim() == 4:
        attention_mask = attention_mask[:, :, :1]  # (batch, 1, query, key)
    eager = sys.modules[type(own).__module__].eager_attention_forward
    attend = ALL_ATTENTION_FUNCTIONS.get_interface(own.config._attn_implementation, eager)
    attended = attend(
        own,
        split_heads(query(first), block.head_size),
        split_heads(key(states), block.head_size),
        split_heads(value(states), block.head_size),
        attention_mask,
        dropout=own.dropout.p if own.training else 0.0,
        scaling=own.scaling,
    )[0]
    context = attended.flatten(2)  # of (batch, 1, heads, size)
    return feed_forward(end(context, first))
