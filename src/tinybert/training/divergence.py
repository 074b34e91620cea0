"""Training that has diverged stops: what comes after a NaN is time and electricity."""

import math
from typing import Any

from torch import Tensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from tinybert.base.errors import InputError


class StopWhereDiverged(TrainerCallback):
    """Stops at a loss that is no finite number, before a checkpoint is written.

    Reading a loss makes a GPU wait, so that there it is done as rarely as the loss is logged.
    """

    def __init__(self) -> None:
        self._sum: Tensor | float = 0.0

    def add(self, loss: Tensor) -> None:
        """Takes note of a loss, a scalar."""
        self._sum = self._sum + loss.detach()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Fails where a loss so far was no finite number, or a checkpoint would have such weights.

        Raises:
            InputError: It is so.
        """
        last = state.global_step >= state.max_steps
        rarely = state.global_step % args.logging_steps == 0 or control.should_save or last
        if (args.device.type == "cpu" or rarely) and not math.isfinite(float(self._sum)):
            raise _diverged("the loss", args, state)
        if control.should_save or last:  # no loss has seen what this step made of the weights
            for name, weight in given["model"].named_parameters():
                if not weight.isfinite().all():
                    raise _diverged(name, args, state)


def _diverged(what: str, args: TrainingArguments, state: TrainerState) -> InputError:
    precision = " in bf16" if args.bf16 else " in fp16" if args.fp16 else ""
    return InputError(
        f"training diverged: {what} is no finite number at step {state.global_step} of "
        f"{state.max_steps}, with a learning_rate of {args.learning_rate:g}{precision}; lower "
        "learning_rate"
    )
