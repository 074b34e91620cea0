"""The teacher of a distillation: one model or several, run as they are or read from a cache."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tinybert.distillation.cache import TeacherCache
from tinybert.distillation.predictions import (
    mean_logits,
    mean_sigmoids,
    mean_soft_labels,
    prediction_kind,
)
from tinybert.distillation.signals import LOGITS, ROW, Signal, Signals, model_inputs, run
from tinybert.training.batches import ANSWERED


class Teacher:
    """Gives the signals that a student learns from.

    The models run in eval mode and without gradients. The first is the one whose layers are
    compared; all of them have a say in the predictions.

    Args:
        models: With the same labels and the same tokenizer.
        weights: How much each model's predictions count; they are divided by their sum.
        temperature: At which soft labels, or the probabilities of several labels, are averaged;
            None averages logits, as a loss on logits needs it. Values are averaged as they are,
            and so are the logits of starts and ends, whose soft labels are of other tokens in
            each batch.
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
            signals[LOGITS] = self._mean([other[LOGITS] for other in given])
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
        if self.caches is not None and ROW in batch:
            return self.caches[index].read(
                batch[ROW], batch["attention_mask"], wanted, batch.get(ANSWERED)
            )
        inputs = model_inputs(batch)
        model: Any = self.models[index]
        # A head over the vocabulary costs as much as many layers.
        return run(model if LOGITS in wanted else model.base_model, inputs, wanted)[1]
