"""The teacher of a distillation: one model or several, run as they are or read from a cache."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tinybert.base.errors import InputError
from tinybert.distillation.cache import TeacherCache
from tinybert.distillation.predictions import (
    mean_logits,
    mean_sigmoids,
    mean_soft_labels,
    prediction_kind,
)
from tinybert.distillation.rules import RuleTeacher
from tinybert.distillation.signals import LOGITS, ROW, Signal, Signals, model_inputs, run
from tinybert.training.batches import ANSWERED


class Teacher:
    """Gives the signals that a student learns from.

    The models run in eval mode and without gradients. The first is the one whose layers are
    compared; all of them have a say in the predictions.

    Args:
        models: With the same labels.
        weights: How much each model's predictions count; they are divided by their sum.
        temperature: At which soft labels, or the probabilities of several labels, are averaged;
            None averages logits, as a loss on logits needs it. Values are averaged as they are,
            and so are the logits of starts and ends, whose soft labels are of other tokens in
            each batch.
        caches: What each model gave for every training row, if that has been computed; it is
            read for batches that say which rows they have. None for one that is not asked.
        own_tokens: Whether each model makes other tokens of a text than the student, so that its
            cache alone can say what it gives; default: none does.
        answers: (rows, outputs), logits of training rows that are given, and stand in place of the
            first model's; NaN where they are not known.
        rules: What is known of training rows beside what all models say; `temperature` is given.

    Example:
        >>> Teacher([model])(batch, [LOGITS])  # doctest: +SKIP
    """

    def __init__(
        self,
        models: Sequence[PreTrainedModel],
        weights: Sequence[float] | None = None,
        temperature: float | None = None,
        caches: Sequence[TeacherCache | None] | None = None,
        own_tokens: Sequence[bool] | None = None,
        answers: Tensor | None = None,
        rules: RuleTeacher | None = None,
    ) -> None:
        self.models = [model.eval().requires_grad_(False) for model in models]
        self.weights = list(weights or [1.0] * len(models))
        self.temperature = temperature
        self.caches = caches
        self.own_tokens = list(own_tokens or [False] * len(models))
        self.answers = answers
        self.rules = rules
        self._answers_all = answers is not None and not bool(answers.isnan().any())

    def asked(self, index: int, wanted: Sequence[Signal], of_rows: bool = True) -> list[Signal]:
        """What a model has to give for signals that are wanted.

        Args:
            index: Of the model.
            wanted: The signals.
            of_rows: Whether it is known which training rows they are for.
        """
        if index:
            return [LOGITS] if LOGITS in wanted else []
        given = self._answers_all and of_rows
        return [each for each in wanted if not (given and each == LOGITS)]

    def to(self, device: torch.device) -> None:
        """Moves the models to a device."""
        for model in self.models:
            model.to(device)

    def __call__(self, batch: dict[str, Tensor], wanted: Sequence[Signal]) -> Signals:
        """The signals for a batch.

        Args:
            batch: Inputs, (batch, length) each; `ROW`, (batch,), where a cache is to be read.
            wanted: The signals; empty for none, and no work.
        """
        given = [
            self._signals(index, batch, own)
            if (own := self.asked(index, wanted, of_rows=ROW in batch))
            else {}
            for index in range(len(self.models))
        ]
        signals = given[0]
        if LOGITS not in wanted:
            return signals
        if self.answers is not None and ROW in batch:
            known = self.answers[batch[ROW].cpu()].to(batch[ROW].device)
            signals[LOGITS] = (
                known
                if LOGITS not in signals
                else known.where(~known.isnan(), signals[LOGITS].to(known))
            )
        if len(given) > 1:
            signals[LOGITS] = self._mean([other[LOGITS] for other in given])
        if self.rules is not None and ROW in batch:
            assert self.temperature is not None, "rules are soft labels"
            weight, temperature = sum(self.weights), self.temperature
            signals[LOGITS] = self.rules(signals[LOGITS], batch[ROW], weight, temperature)
        return signals

    def _mean(self, logits: Sequence[Tensor]) -> Tensor:
        """The predictions of all models as one's, (batch, outputs)."""
        kind = prediction_kind(self.models[0].config)
        if self.temperature is None or kind in ("values", "spans"):
            return mean_logits(logits, self.weights)
        mean = mean_sigmoids if kind == "sigmoids" else mean_soft_labels
        return mean(logits, self.weights, self.temperature)

    @torch.no_grad()  # not inference_mode: its tensors can't take part in a loss
    def _signals(self, index: int, batch: dict[str, Tensor], wanted: Sequence[Signal]) -> Signals:
        cache = self.caches[index] if self.caches is not None and ROW in batch else None
        if cache is not None:
            return cache.read(batch[ROW], batch["attention_mask"], wanted, batch.get(ANSWERED))
        if self.own_tokens[index]:
            raise InputError(
                "a teacher with a tokenizer of its own can't read the student's tokens: it needs "
                "a cache, and batches that say which rows they have"
            )
        inputs = model_inputs(batch)
        model: Any = self.models[index]
        # A head over the vocabulary costs as much as many layers.
        return run(model if LOGITS in wanted else model.base_model, inputs, wanted)[1]


class PartTeachers(Teacher):
    """The teachers of several tasks, whose predictions are put side by side.

    The first model is the one whose layers are compared, and is not asked for predictions; the
    others are the teachers of the tasks in their order.

    Example:
        >>> PartTeachers([model, sentiment, topic])(batch, [LOGITS])  # doctest: +SKIP
    """

    def asked(self, index: int, wanted: Sequence[Signal], of_rows: bool = True) -> list[Signal]:
        """What a model has to give: its layers the first, predictions each other one."""
        return [each for each in wanted if (each == LOGITS) == bool(index)]

    def __call__(self, batch: dict[str, Tensor], wanted: Sequence[Signal]) -> Signals:
        """The signals for a batch; see `Teacher`."""
        given = [
            self._signals(index, batch, own) if (own := self.asked(index, wanted)) else {}
            for index in range(len(self.models))
        ]
        signals = given[0]
        if LOGITS in wanted:
            signals[LOGITS] = torch.cat([each[LOGITS].float() for each in given[1:]], dim=-1)
        return signals
