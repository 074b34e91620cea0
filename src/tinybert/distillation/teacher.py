"""The teacher of a distillation: one model or several, run as they are or read from a cache."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tinybert.distillation.cache import TeacherCache
from tinybert.distillation.signals import LOGITS, ROW, Signal, Signals, model_inputs, run
from tinybert.training.batches import ANSWERED


class Teacher:
    """Gives the signals that a student learns from.

    The models run in eval mode and without gradients. The first is the one whose layers are
    compared; all of them have a say in the predictions.

    Args:
        models: With the same labels and the same tokenizer.
        weights: How much each model's predictions count; they are divided by their sum.
        temperature: At which soft labels are averaged; None averages logits, as a regression and
            a loss on logits need it.
        caches: What each model gave for every training row, if that has been computed; it is
            read for batches that say which rows they have.

    Example:
        >>> Teacher([model])(batch, [LOGITS])  # doctest: +SKIP
    """

    def __init__(
        self,
        models: Sequence[PreTrainedModel],
        weights: Sequence[float] | None = None,
        temperature: float | None = None,
        caches: Sequence[TeacherCache] | None = None,
    ) -> None:
        self.models = [model.eval().requires_grad_(False) for model in models]
        self.weights = list(weights or [1.0] * len(models))
        self.temperature = temperature
        self.caches = caches

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
        if not wanted:
            return {}
        given = [
            self._signals(index, batch, wanted if index == 0 else [LOGITS])
            for index in range(len(self.models) if LOGITS in wanted else 1)
        ]
        signals = given[0]
        if len(given) > 1:
            logits = [other[LOGITS] for other in given]
            signals[LOGITS] = combine(logits, self.weights, self.temperature)
        return signals

    @torch.no_grad()  # not inference_mode: its tensors can't take part in a loss
    def _signals(self, index: int, batch: dict[str, Tensor], wanted: Sequence[Signal]) -> Signals:
        if self.caches is not None and ROW in batch:
            return self.caches[index].read(
                batch[ROW], batch["attention_mask"], wanted, batch.get(ANSWERED)
            )
        inputs = model_inputs(batch)
        model: Any = self.models[index]
        # A head over the vocabulary costs as much as many layers.
        return run(model if LOGITS in wanted else model.base_model, inputs, wanted)[1]


def combine(
    logits: Sequence[Tensor], weights: Sequence[float], temperature: float | None
) -> Tensor:
    """The logits of several teachers as one.

    Args:
        logits: (batch, classes), or (batch, length, classes), of each teacher.
        weights: Of each teacher.
        temperature: Softened by it, the result is the mean of the teachers' soft labels;
            None for the mean of logits.

    Returns:
        Of the same shape.

    Example:
        >>> sure, unsure = torch.tensor([[4.0, 0.0]]), torch.tensor([[0.0, 0.0]])
        >>> combine([sure, unsure], [1, 1], temperature=None)
        tensor([[2., 0.]])
    """
    shares = torch.tensor(weights, dtype=torch.float32) / sum(weights)
    stacked = torch.stack([values.float() for values in logits])
    shares = shares.to(stacked.device).view(-1, *[1] * (stacked.dim() - 1))
    if temperature is None:
        return (shares * stacked).sum(0)
    soft = (stacked / temperature).log_softmax(-1) + shares.log()
    return temperature * soft.logsumexp(0)
