"""What the logits of a model are, and so how those of a teacher and a student compare."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PretrainedConfig

from tinybert.tasks.config import is_classifier_of, saved_task
from tinybert.tasks.part import saved_parts
from tinybert.tasks.question_answering import CLASS_END, QuestionAnswering

Kind = Literal["classes", "sigmoids", "values", "spans"]
"""Scores of which one wins, scores each of which stands alone, the predicted values, or scores of
tokens, of which one wins as the start of an answer and one as its end."""


def prediction_kind(config: PretrainedConfig) -> Kind:
    """What a model's logits are.

    Transformers notes `problem_type` only in models that were trained with labels. Without it,
    one output is a value: of one class there is no choice.

    Example:
        >>> prediction_kind(PretrainedConfig(num_labels=3))
        'classes'
        >>> prediction_kind(PretrainedConfig(problem_type="multi_label_classification"))
        'sigmoids'
    """
    if is_classifier_of(config.to_dict(), QuestionAnswering.kind, CLASS_END):
        return "spans"
    return _kind_of_rows(config.problem_type, config.num_labels)


def _kind_of_rows(problem: str | None, outputs: int | None) -> Kind:
    if problem == "multi_label_classification":
        return "sigmoids"
    return "values" if problem == "regression" or outputs == 1 else "classes"


class PredictionPart(NamedTuple):
    """Some of a model's outputs, which are compared together.

    Attributes:
        outputs: Which of them.
        kind: What they are.
        weight: Of their loss.
    """

    outputs: slice
    kind: Kind
    weight: float


def prediction_parts(config: PretrainedConfig) -> list[PredictionPart]:
    """The outputs of each of several tasks, or all of them where a model does one.

    Example:
        >>> prediction_parts(PretrainedConfig(num_labels=3))
        [PredictionPart(outputs=slice(None, None, None), kind='classes', weight=1.0)]
    """
    found = [
        PredictionPart(
            own, _kind_of_rows(part.get("problem_type"), own.stop - own.start), part["weight"]
        )
        for part, own in saved_parts(config.to_dict())
    ]
    return found or [PredictionPart(slice(None), prediction_kind(config), 1.0)]


def count_outputs(config: PretrainedConfig) -> int:
    """How many numbers a model's logits of a row or a position are.

    Example:
        >>> count_outputs(PretrainedConfig(num_labels=3))
        3
    """
    return int(saved_task(config.to_dict()).get("vector") or config.num_labels or 1)


def as_classes(logits: Tensor, answered: Tensor) -> Tensor:
    """The starts, and below them the ends, of each row as classes: the tokens that may be one.

    Args:
        logits: (batch, length, 2).
        answered: (batch, length), 1 where a start or an end may be.

    Returns:
        (2 · batch, length), where no start or end may be, so low that its share is 0.

    Example:
        >>> logits = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]])
        >>> as_classes(logits, torch.tensor([[1, 1, 0]])).softmax(-1).round(decimals=2)
        tensor([[0.1200, 0.8800, 0.0000],
                [0.1200, 0.8800, 0.0000]])
    """
    hidden = logits.float().masked_fill(answered[..., None] == 0, -1e9)
    return torch.cat([hidden[..., 0], hidden[..., 1]])


def mean_logits(logits: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """The weighted mean of several teachers' logits.

    Args:
        logits: (batch, outputs) of each teacher.
        weights: Of each teacher; they are divided by their sum.

    Example:
        >>> mean_logits([torch.tensor([[4.0, 0.0]]), torch.tensor([[0.0, 0.0]])], [1, 1])
        tensor([[2., 0.]])
    """
    stacked, shares = _stacked(logits, weights)
    return (shares * stacked).sum(0)


def mean_soft_labels(
    logits: Sequence[Tensor], weights: Sequence[float], temperature: float
) -> Tensor:
    """Logits whose soft labels are the weighted mean of several teachers' soft labels.

    Args:
        logits: (batch, classes) of each teacher.
        weights: Of each teacher; they are divided by their sum.
        temperature: What logits are divided by before the softmax.

    Example:
        >>> sure, unsure = torch.tensor([[4.0, 0.0]]), torch.tensor([[0.0, 0.0]])
        >>> soft = mean_soft_labels([sure, unsure], [1, 1], 1.0).softmax(-1)
        >>> torch.allclose(soft, (sure.softmax(-1) + unsure.softmax(-1)) / 2)
        True
    """
    stacked, shares = _stacked(logits, weights)
    soft = (stacked / temperature).log_softmax(-1) + shares.log()
    return temperature * soft.logsumexp(0)


def mean_sigmoids(logits: Sequence[Tensor], weights: Sequence[float], temperature: float) -> Tensor:
    """Logits whose probabilities are the weighted mean of several teachers' probabilities.

    Args:
        logits: (batch, labels) of each teacher.
        weights: Of each teacher; they are divided by their sum.
        temperature: What logits are divided by before the sigmoid.

    Example:
        >>> sure, unsure = torch.tensor([[4.0, -9.0]]), torch.tensor([[0.0, 0.0]])
        >>> soft = mean_sigmoids([sure, unsure], [1, 1], 1.0).sigmoid()
        >>> torch.allclose(soft, (sure.sigmoid() + unsure.sigmoid()) / 2)
        True
    """
    stacked, shares = _stacked(logits, weights)
    # In logarithms of both sides: 1 - p has no digits left where p is all but 1.
    there, absent = (
        (functional.logsigmoid(sign * stacked / temperature) + shares.log()).logsumexp(0)
        for sign in (1, -1)
    )
    return temperature * (there - absent)


def _stacked(logits: Sequence[Tensor], weights: Sequence[float]) -> tuple[Tensor, Tensor]:
    """(teachers, batch, outputs), and the share of each teacher in the same dimensions."""
    stacked = torch.stack([values.float() for values in logits])
    shares = torch.tensor(weights, dtype=torch.float32) / sum(weights)
    return stacked, shares.to(stacked.device).view(-1, *[1] * (stacked.dim() - 1))
