"""Pruning while a model trains: the pruned share rises, then stays."""

from typing import Any, Protocol

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

RAISES = 50
"""How often the share is raised; Zhu & Gupta saw no effect of it (arXiv:1710.01878, section 3)."""


class Pruner(Protocol):
    """What can be pruned gradually."""

    def after_step(self) -> None:
        """Called after each optimizer step."""
        ...

    def prune_to(self, progress: float) -> None:
        """Prunes this much of what is to be pruned, from 0 to 1."""
        ...


def cubic(progress: float) -> float:
    """The part of the final share that is pruned at a moment of the ramp.

    1 - (1 - t)³ (Zhu & Gupta, arXiv:1710.01878, equation 1): fast while much is redundant.

    Args:
        progress: t, from 0 to 1.

    Example:
        >>> cubic(0.0), cubic(0.5), cubic(1.0)
        (0.0, 0.875, 1.0)
    """
    return 1 - (1 - progress) ** 3


class GradualPruning(TrainerCallback):
    """Raises the pruned share over the first part of a training.

    Nothing is kept here: what to do follows from the trainer's step, so that a training which was
    stopped goes on as it would have.

    Args:
        pruner: Prunes the model that trains.
        pruning_share: Of the optimizer steps, in which the share rises.
    """

    def __init__(self, pruner: Pruner, pruning_share: float) -> None:
        self.pruner = pruner
        self.pruning_share = pruning_share

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Before a checkpoint of the step is written."""
        self.pruner.after_step()
        ramp = max(1, round(state.max_steps * self.pruning_share))
        step = state.global_step
        if step == ramp or (step < ramp and step % max(1, ramp // RAISES) == 0):
            self.pruner.prune_to(cubic(step / ramp))
