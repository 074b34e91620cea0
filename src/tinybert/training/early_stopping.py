"""Training that stops where held-out rows gain nothing more, and the weights of its best moment.

All that it decides by is in the trainer's own log, which a checkpoint keeps: a run that was killed
and started again stops at the same step.
"""

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from tinybert.base.errors import InputError
from tinybert.base.files import atomic_path, remove
from tinybert.base.progress import Progress, ProgressCallback
from tinybert.modeling.distributed import wait_for_all
from tinybert.training.row_choice import ChosenRows
from tinybert.training.rows_config import EarlyStoppingConfig

logger = logging.getLogger(__name__)

LOSS = "eval_loss"
"""What the Trainer calls the loss on held-out rows in its log."""


class EarlyStopping(TrainerCallback):
    """Looks at held-out rows now and then, and stops after some looks without a better loss.

    Args:
        config: How patient it is, and how often it looks.
        rows: Those held out.
        steps_per_epoch: Optimizer steps.
        step: The name in progress reports.
        progress: Told why training stopped.
    """

    def __init__(
        self,
        config: EarlyStoppingConfig,
        rows: ChosenRows,
        steps_per_epoch: int,
        step: str,
        progress: ProgressCallback,
    ) -> None:
        self.rows = rows
        self._patience = config.patience
        self._every = config.every or max(1, math.ceil(steps_per_epoch / 2))
        self._step = step
        self._progress = progress
        self.trainer: Trainer | None = None

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Asks for a look, at the last step too."""
        last = state.global_step >= state.max_steps
        control.should_evaluate = last or state.global_step % self._every == 0

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Keeps the weights where they are the best so far; stops where patience is at its end."""
        if best_step(state) == state.global_step:
            self._keep(args, state)
        control.should_training_stop = control.should_training_stop or self.has_ended(state)

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Lets go of weights that no checkpoint needs any more."""
        if state.is_world_process_zero:
            for path in _folder(args).glob("best-*.pt"):
                if path != _file(args, best_step(state)):
                    remove(path)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Says why it is over, where steps are left."""
        if state.global_step < state.max_steps and self.has_ended(state):
            best = best_step(state) or 0
            why = (
                f"stopped: in {self._patience} looks no better loss on {len(self.rows)} held-out "
                f"training rows than that of step {best}, whose weights are kept"
            )
            logger.info("%s: %s", self._step, why)
            if state.is_world_process_zero:
                loss = {"loss": dict(_losses(state))[best]}
                self._progress(Progress(self._step, state.global_step, state.max_steps, loss, why))

    def has_ended(self, state: TrainerState) -> bool:
        """Whether the last looks found nothing better."""
        steps = [step for step, _ in _losses(state)]
        best = best_step(state)
        return best is not None and len([step for step in steps if step > best]) >= self._patience

    def _keep(self, args: TrainingArguments, state: TrainerState) -> None:
        if state.is_world_process_zero:
            assert self.trainer is not None, "set where the trainer is made"
            with atomic_path(_file(args, state.global_step)) as temporary:
                torch.save(_weights(self.trainer).state_dict(), temporary)
        wait_for_all()

    def restore(self, trainer: Trainer) -> None:
        """Gives a trained model the weights of its best moment.

        Raises:
            InputError: They are gone, which only somebody else can have done.
        """
        best = best_step(trainer.state)
        if best is None:
            return
        path = _file(trainer.args, best)
        if not path.is_file():
            raise InputError(
                f"{path}: the best weights are gone; remove {path.parent} to begin the step anew"
            )
        _weights(trainer).load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))


def best_step(state: TrainerState) -> int | None:
    """The first step of those with the lowest loss on held-out rows; None before any look."""
    found = _losses(state)
    return min(found, key=lambda each: each[1])[0] if found else None


def _losses(state: TrainerState) -> Sequence[tuple[int, float]]:
    """The step of each look, and its loss."""
    return [
        (int(entry["step"]), entry[LOSS] if math.isfinite(entry[LOSS]) else math.inf)
        for entry in state.log_history
        if LOSS in entry
    ]


def _weights(trainer: Trainer) -> torch.nn.Module:
    """The model itself, not what processes or a compiler wrap it in."""
    model: torch.nn.Module = trainer.accelerator.unwrap_model(
        trainer.model, keep_torch_compile=False
    )
    return model


def _folder(args: TrainingArguments) -> Path:
    return Path(str(args.output_dir))


def _file(args: TrainingArguments, step: int | None) -> Path:
    return _folder(args) / f"best-{step}.pt"
