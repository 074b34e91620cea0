"""Causal language models, which learn from the token that each position should give.

Those of Transformers learn from labels that are the text itself, and move them by one. A class here
is a stock one, under the stock one's name, so that what is saved loads there; its labels are those
of the positions that answer, as of every other head that answers at tokens.
"""

import inspect
from functools import cache
from typing import Any

import transformers
from torch import Tensor
from torch.nn import functional
from transformers import PretrainedConfig

from tinybert.base.errors import InputError
from tinybert.families import find_family
from tinybert.modeling.auto_head import auto_head


def _class_of(config: PretrainedConfig) -> Any:
    known: Any = transformers.MODEL_FOR_CAUSAL_LM_MAPPING
    stock = known.get(type(config), None)
    if stock is None or not is_causal(config.model_type):
        raise InputError(
            f"models of the type {config.model_type} read whole texts, and write none; causal-lm "
            "needs one that sees what comes before alone, as GPT-2 does"
        )
    return writer(stock)


AutoWriter = auto_head(_class_of)
"""Makes a model with such a head of the class that a config is for."""


def is_causal(model_type: object) -> bool:
    """Whether models of a type see what comes before alone."""
    family = find_family(model_type)
    return family is not None and family.causal


@cache
def writer(stock: Any) -> Any:
    """The class of a stock model that learns from the next token of each position.

    Args:
        stock: A class of `transformers`.

    Example:
        >>> import torch
        >>> from transformers import GPT2Config, GPT2LMHeadModel
        >>> config = GPT2Config(vocab_size=9, n_embd=8, n_layer=1, n_head=2)
        >>> model = writer(GPT2LMHeadModel)(config)
        >>> ids = torch.ones(2, 3, dtype=torch.int64)
        >>> model(input_ids=ids, labels=ids).logits.shape
        torch.Size([2, 3, 9])
    """

    class Writer(stock):
        """Learns from labels of the positions that answer; those below 0 are left out."""

        def forward(self, *args: Any, labels: Tensor | None = None, **options: Any) -> Any:
            out = super().forward(*args, **options)
            if labels is not None:
                logits = out.logits.float().flatten(0, 1)
                out.loss = functional.cross_entropy(logits, labels.flatten().long())
            return out

    Writer.forward.__signature__ = inspect.signature(stock.forward)  # type: ignore[attr-defined]
    Writer.__name__ = Writer.__qualname__ = stock.__name__
    Writer.__module__ = stock.__module__
    return Writer
