"""Rules as one more, weak, teacher: of texts that have a pattern they say the label."""

import math
import re
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from tinybert.tasks.soft_labels import SoftlyLabeledTask
from tinybert.tasks.task import Examples, text_parts
from tinybert.training.rules import TeachingRuleConfig


class RuleTeacher:
    """What rules say of training rows, beside what the teachers say.

    Args:
        said: (rows, outputs), the weight with which rules say that a row has a label; 0 where none
            says so.
        exclusive: Whether one label of a row is right, so that a rule says of the others that they
            are not; else it says nothing of them.

    Example:
        >>> rules = RuleTeacher(torch.tensor([[0.0, 1.0], [0.0, 0.0]]), exclusive=True)
        >>> logits = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
        >>> rules(logits, torch.tensor([0, 1]), 1.0, 1.0).softmax(-1)
        tensor([[0.2500, 0.7500],
                [0.8808, 0.1192]])
    """

    def __init__(self, said: Tensor, exclusive: bool) -> None:
        self._said, self._exclusive = said, exclusive

    def __call__(self, logits: Tensor, rows: Tensor, weight: float, temperature: float) -> Tensor:
        """Logits that, softened, are the weighted mean of what teachers and rules say.

        Args:
            logits: (batch, outputs), the teachers'.
            rows: (batch,), places of training rows.
            weight: Of all teachers together.
            temperature: At which predictions are softened. Rules are as sure at any.
        """
        said = self._said[rows.cpu()].to(logits.device)
        log_said, log_weight = said.log(), math.log(weight)  # of a rule that says nothing -inf
        soft = logits.float() / temperature
        # In logarithms: a probability that is 0 in float32 would make the mean's 0 as well.
        if not self._exclusive:
            there = torch.logaddexp(functional.logsigmoid(soft) + log_weight, log_said)
            given = there - functional.logsigmoid(-soft) - log_weight
        else:
            total = (weight + said.sum(-1, keepdim=True)).log()
            given = torch.logaddexp(soft.log_softmax(-1) + log_weight, log_said) - total
        silent = ~said.any(-1, keepdim=True)
        return torch.where(silent, logits.to(given.dtype), temperature * given)


def rule_teacher(
    rules: Sequence[TeachingRuleConfig], rows: Examples, task: SoftlyLabeledTask
) -> RuleTeacher | None:
    """The teacher that rules are; None where there are none.

    Args:
        rules: Their labels are the task's.
        rows: Of training.
        task: With its labels.
    """
    if not rules:
        return None
    said = torch.zeros(len(rows), len(task.labels))
    for rule in rules:
        said[matched(rule, rows), task.labels.index(rule.label)] += rule.weight
    return RuleTeacher(said, task.exclusive)


def matched(rule: TeachingRuleConfig, rows: Examples) -> list[int]:
    """The places of rows one of whose texts has the pattern of a rule."""
    search = re.compile(rule.pattern).search
    return [place for place, text in enumerate(rows.texts) if any(map(search, text_parts(text)))]
