"""Ranges of activations: measured on rows, kept up to date or learned while a model trains."""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    PreTrainedModel,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from tinybert.modeling.distributed import least_of_all
from tinybert.modeling.observe import Batch
from tinybert.steps.quantize.integers import LEVELS
from tinybert.steps.quantize.straight_through import round_through, scale_gradient

Range = tuple[float, float]
"""Smallest and largest value."""


class ActivationRange(nn.Module):
    """The uint8 grid of one activation.

    Observed, it watches what comes by in training, and takes that for its range when told to.
    Learned, its ends are parameters: factors of the ends it began with, so that one learning
    rate suits ranges of every size.

    Args:
        low: Smallest value.
        high: Largest value.
        learned: Whether the ends are trained with the model.

    Example:
        >>> values, step = ActivationRange(-1.0, 4.1)(torch.tensor([-9.0, 0.0, 0.031]))
        >>> values.tolist(), round(step.item(), 4)
        ([-50.0, 0.0, 2.0], 0.02)
    """

    low: Tensor
    high: Tensor
    seen_low: Tensor
    seen_high: Tensor

    def __init__(self, low: float, high: float, *, learned: bool = False) -> None:
        super().__init__()
        self.learned = learned
        self.register_buffer("low", torch.tensor(min(low, 0.0)))
        self.register_buffer("high", torch.tensor(max(high, 0.0)))
        if learned:
            self.low_factor = nn.Parameter(torch.ones(()))
            self.high_factor = nn.Parameter(torch.ones(()))
        else:
            self.register_buffer("seen_low", torch.tensor(math.inf))
            self.register_buffer("seen_high", torch.tensor(-math.inf))

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Integers, less the zero point, and the step between them, a scalar.

        Gradients pass the rounding; values that are cut off have none.
        """
        states = states.float()
        if self.training and not self.learned:
            least, most = states.detach().aminmax()
            self.seen_low.copy_(torch.minimum(self.seen_low, least))
            self.seen_high.copy_(torch.maximum(self.seen_high, most))
        low, high = self._ends(states.numel())
        step = (high - low) / LEVELS
        step = step + (step == 0)  # of an activation that is always 0
        zero = round_through(-low / step)
        values = round_through(states / step) + zero
        return values.clamp(0, LEVELS) - zero, step

    def _ends(self, values: int) -> tuple[Tensor, Tensor]:
        if not self.learned:
            return self.low, self.high
        # Summed over all values, the gradient would drown that of the weights where gradients are
        # clipped: LSQ's factor (section 2.2).
        factor = (values * LEVELS) ** -0.5
        low = scale_gradient(self.low * self.low_factor, factor)
        high = scale_gradient(self.high * self.high_factor, factor)
        return low.clamp(max=0), high.clamp(min=0)

    def renew(self) -> None:
        """Takes what all processes saw since the last time for the range."""
        low, high = least_of_all(self.seen_low), -least_of_all(-self.seen_high)
        if low <= high:
            self.low.copy_(low.clamp(max=0))
            self.high.copy_(high.clamp(min=0))
            self.seen_low.fill_(math.inf)
            self.seen_high.fill_(-math.inf)

    @torch.no_grad()
    def ends(self) -> Range:
        """The range as it is now."""
        low, high = self._ends(1)
        return low.item(), high.item()


class RenewRanges(TrainerCallback):
    """Renews observed ranges every so many optimizer steps.

    What was seen is in checkpoints, so that a run that is resumed renews what it would have.
    """

    def __init__(self, ranges: Sequence[ActivationRange], every: int) -> None:
        self._ranges = ranges
        self._every = every

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Called by the Trainer, before it saves a checkpoint."""
        if state.global_step % self._every == 0:
            for range_ in self._ranges:
                range_.renew()


def measure_ranges(
    model: PreTrainedModel, batches: Sequence[Batch], layers: dict[str, nn.Linear]
) -> dict[str, Range]:
    """The smallest and the largest input of each layer on some rows, by name.

    Plain minimum and maximum: cutting off outliers ruins BERTs (onnxruntime#10571: F1 5.8
    instead of 91.5). Layers that the model does not use are left out.

    Args:
        model: Run in eval mode.
        batches: Tokenized rows.
        layers: Of the model, by name.
    """
    ranges: dict[str, Range] = {}
    model.eval()
    with _watching(layers, ranges), torch.inference_mode():
        for batch in batches:
            model(**batch)
    return ranges


@contextlib.contextmanager
def _watching(layers: dict[str, nn.Linear], ranges: dict[str, Range]) -> Iterator[None]:
    def watch(name: str) -> Callable[..., None]:
        def hook(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            least, most = inputs[0].aminmax()
            low, high = ranges.get(name, (0.0, 0.0))
            ranges[name] = min(low, least.item()), max(high, most.item())

        return hook

    handles = [layer.register_forward_pre_hook(watch(name)) for name, layer in layers.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
