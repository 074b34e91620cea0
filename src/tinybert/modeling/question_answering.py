"""Heads for answers to questions, which give the logits of starts and ends side by side.

Those of Transformers give two outputs, `start_logits` and `end_logits`, and learn from two places.
A class here is a stock one, under the stock one's name, so that what is saved loads there; beside
its outputs it gives `logits`, (batch, length, 2), as every other head does, and it learns from
labels of tokens, which say of each whether the answer begins or ends there.
"""

import inspect
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import transformers
from torch import Tensor
from torch.nn import functional
from transformers import PretrainedConfig
from transformers.modeling_outputs import QuestionAnsweringModelOutput

from tinybert.base.errors import InputError
from tinybert.modeling.auto_head import auto_head
from tinybert.tasks.question_inputs import END, START


@dataclass
class SpanOutput(QuestionAnsweringModelOutput):
    """What such a model gives.

    Attributes:
        logits: (batch, length, 2), those of starts and of ends.
    """

    logits: Tensor | None = None


def _class_of(config: PretrainedConfig) -> Any:
    known: Any = transformers.MODEL_FOR_QUESTION_ANSWERING_MAPPING
    stock = known.get(type(config), None)
    if stock is None:
        raise InputError(
            f"Transformers has no head for answers to questions for {config.model_type}"
        )
    return answerer(stock)


AutoAnswerer = auto_head(_class_of)
"""Makes a model with such a head of the class that a config is for."""


@cache
def answerer(stock: Any) -> Any:
    """The class of a stock model that gives logits as one, and learns from labels of tokens.

    Args:
        stock: A class of `transformers`.

    Example:
        >>> from transformers import BertConfig, BertForQuestionAnswering
        >>> config = BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1,
        ...     num_attention_heads=2, intermediate_size=8)
        >>> model = answerer(BertForQuestionAnswering)(config)
        >>> model(input_ids=torch.ones(2, 3, dtype=torch.int64)).logits.shape
        torch.Size([2, 3, 2])
    """

    class Answerer(stock):
        """Gives two logits a token."""

        def forward(self, *args: Any, labels: Tensor | None = None, **options: Any) -> SpanOutput:
            out = super().forward(*args, **options)
            logits = torch.stack([out.start_logits, out.end_logits], dim=-1)
            loss = out.loss
            if labels is not None:
                mask = options.get("attention_mask")
                loss = span_loss(logits, labels, torch.ones_like(labels) if mask is None else mask)
            return SpanOutput(**{**out, "loss": loss, "logits": logits})

    # What may be given is told by this: of token types, for one, not all models have some.
    given = inspect.signature(stock.forward)
    own = inspect.Parameter("labels", inspect.Parameter.KEYWORD_ONLY, default=None)
    stays = [each for each in given.parameters.values() if each.kind != each.VAR_KEYWORD]
    rest = [each for each in given.parameters.values() if each.kind == each.VAR_KEYWORD]
    Answerer.forward.__signature__ = given.replace(  # type: ignore[attr-defined]
        parameters=[*stays, own, *rest]
    )
    Answerer.__name__ = Answerer.__qualname__ = stock.__name__
    Answerer.__module__ = stock.__module__
    return Answerer


def span_loss(logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """The mean of the cross-entropies of the start and of the end, over all real tokens.

    Transformers' own is of padding as well.

    Args:
        logits: (batch, length, 2).
        labels: (batch, length): `START`, `END`, both or 0; below 0 where the head answers nothing.
        mask: (batch, length), the attention mask.

    Example:
        >>> logits = torch.tensor([[[9.0, 0.0], [0.0, 9.0], [9.0, 9.0]]])
        >>> labels, mask = torch.tensor([[1, 2, 0]]), torch.tensor([[1, 1, 0]])
        >>> round(span_loss(logits, labels, mask).item(), 4)
        0.0001
    """
    hidden = torch.finfo(torch.float32).min
    logits = logits.float().masked_fill(mask[..., None] == 0, hidden)
    right = labels.clamp(min=0)
    losses = [
        functional.cross_entropy(logits[..., at], ((right & mark) > 0).int().argmax(-1))
        for at, mark in enumerate((START, END))
    ]
    return torch.stack(losses).mean()
