"""Ctrl-C while a model trains: a checkpoint first, so that nothing done is lost."""

import contextlib
import logging
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

from transformers import (
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from tinybert.modeling.distributed import world_size

logger = logging.getLogger(__name__)

_WORDS = "interrupted: saving a checkpoint after this step; interrupt again to stop at once"


@contextlib.contextmanager
def saved_where_interrupted(trainer: Trainer) -> Iterator[None]:
    """Lets an interrupt stop a training behind the step that it comes in, with a checkpoint of it.

    A second interrupt stops at once. All is as ever where it would not be safe: in a thread, where
    somebody else handles interrupts, and in several processes, which would not agree on a step.

    Args:
        trainer: Trained in the block. Its other callbacks have done their work on a checkpoint
            by the time of the interrupt.

    Raises:
        KeyboardInterrupt: There was an interrupt; the message says what is saved.
    """
    if (
        world_size() > 1
        or threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return
    stop = _StopWithCheckpoint()
    trainer.add_callback(stop)
    signal.signal(signal.SIGINT, stop.note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        trainer.remove_callback(stop)
        if stop.tells.ident is not None:  # what comes next is to stand below it
            stop.tells.join(timeout=1.0)


class _StopWithCheckpoint(TrainerCallback):
    def __init__(self) -> None:
        self._interrupted = False
        # A thread: the interrupt may come while the main one writes, and has the locks.
        self.tells = threading.Thread(target=logger.warning, args=(_WORDS,), daemon=True)

    def note(self, number: int, frame: FrameType | None) -> None:
        """Handles the signal."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._interrupted = True
        self.tells.start()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        control.should_save = control.should_save or self._interrupted

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self._interrupted:
            raise KeyboardInterrupt(
                f"a checkpoint is saved at step {state.global_step} of {state.max_steps}"
            )
