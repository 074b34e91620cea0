"""The last layer computes what the head reads: the first position, not all of them.

A classification head reads the last hidden state at [CLS] alone. There, queries, the output of
attention and the feed-forward block of all other positions are computed for nothing: of a layer
as wide as BERT's, all but a sixth of the products. Keys and values of all positions stay. The
logits are the same.
"""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

from torch import Tensor
from transformers import PreTrainedModel

from tinybert.layers import BERT_LIKE, encoder_layers


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

    Other models stay as they are. For models in eval mode with eager attention, whose masks are
    added to the scores.

    Example:
        >>> with first_position_alone(model):  # doctest: +SKIP
        ...     model(**features).logits
    """
    if not reads_first_position(model):
        yield
        return
    layer = encoder_layers(model)[-1]
    layer.forward = functools.partial(_forward, layer)
    try:
        yield
    finally:
        del layer.forward


def _forward(
    layer: Any, states: Tensor, attention_mask: Tensor | None = None, *_: object, **__: object
) -> Tensor:
    """A BERT layer's (batch, length, width) to (batch, 1, width), with eager attention."""
    own = layer.attention.self
    first = states[:, :1]

    def heads(values: Tensor) -> Tensor:
        """(batch, length, heads · size) to (batch, heads, length, size)."""
        return values.unflatten(-1, (-1, own.attention_head_size)).transpose(1, 2)

    scores = heads(own.query(first)) @ heads(own.key(states)).transpose(2, 3) * own.scaling
    if attention_mask is not None:
        scores = scores + attention_mask[:, :, :1]
    attended = scores.softmax(-1) @ heads(own.value(states))
    context = attended.transpose(1, 2).flatten(2)
    return layer.feed_forward_chunk(layer.attention.output(context, first))
