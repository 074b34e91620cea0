"""A `transformers.Trainer` with bucketed batches that resumes exactly where it was killed."""

import contextlib
import logging
import math
from collections.abc import Iterator, Sized
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    default_data_collator,
)
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_callback import PrinterCallback
from transformers.trainer_utils import get_last_checkpoint

from tinybert.base.errors import InputError
from tinybert.base.files import remove, write_text
from tinybert.base.progress import Progress, ProgressCallback, silent
from tinybert.modeling.distributed import is_main, wait_for_all, world_size
from tinybert.runtime.seal import is_whole, seal
from tinybert.training.batches import PaddingCollator
from tinybert.training.config import TrainingConfig
from tinybert.training.curves import loss_curves
from tinybert.training.divergence import StopWhereDiverged
from tinybert.training.early_stopping import EarlyStopping
from tinybert.training.interrupts import saved_where_interrupted
from tinybert.training.packing import EpochSampler, PackedTokens
from tinybert.training.precision import precision
from tinybert.training.row_choice import ChosenRows
from tinybert.training.row_order import LengthBucketedSampler
from tinybert.training.rows_config import EarlyStoppingConfig

logger = logging.getLogger(__name__)

COMPLETE = "complete"
"""The file, with the rows of a step, that is written into a checkpoint before its seal."""


class BucketedTrainer(Trainer):
    """A Trainer whose batches hold rows of like length, where its data set has `lengths`.

    Losses are means over their own batch, whatever the model's `forward` takes: the Trainer would
    believe that a BERT divides by the tokens of all accumulated batches, and not divide itself.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.model_accepts_loss_kwargs = False
        self._divergence = StopWhereDiverged()
        self.add_callback(self._divergence)

    def training_step(self, *args: Any, **options: Any) -> Tensor:
        """Takes a step as the Trainer does; a loss that is no finite number stops the training."""
        loss = super().training_step(*args, **options)
        self._divergence.add(loss)
        return loss

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int] | None:
        rows: Any = self.train_dataset

        def epoch() -> int:
            return int(self.state.epoch or 0)

        if isinstance(rows, PackedTokens):
            return EpochSampler(len(rows), seed=self.args.seed, epoch=epoch)
        if not hasattr(rows, "lengths"):
            return super()._get_train_sampler(train_dataset)
        # What all processes do in one step is one batch: they have the same rows as one alone
        # with a batch as large, and none waits for another with longer rows.
        batch_size = self.args.train_batch_size * self.args.world_size
        return LengthBucketedSampler(
            rows.lengths,
            batch_size,
            seed=self.args.seed,
            epoch=epoch,
            classes=getattr(rows, "classes", None),
        )


class _MarkComplete(TrainerCallback):
    """Marks a checkpoint once all of it is written, so that a torn one is never resumed from."""

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        wait_for_all()  # each process saves its random state
        if state.is_world_process_zero:
            folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
            write_text(folder / COMPLETE, str(rows_a_step(args)))
            seal(folder)


def rows_a_step(arguments: TrainingArguments) -> int:
    """Training rows of one optimizer step, over all processes."""
    rows = arguments.train_batch_size * arguments.gradient_accumulation_steps
    return rows * arguments.world_size


class _ReportProgress(TrainerCallback):
    def __init__(self, step: str, progress: ProgressCallback) -> None:
        self._step = step
        self._progress = progress
        self._values: dict[str, float] = {}
        self._note = ""

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        self._values.update({k: v for k, v in (logs or {}).items() if k.startswith("loss")})

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if state.global_step:
            self._note = f"from the checkpoint at step {state.global_step}"
        self._report(state)  # after a resumption, what was done before is not this run's speed

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._report(state)

    def _report(self, state: TrainerState) -> None:
        if state.is_world_process_zero:
            done, total = state.global_step, state.max_steps
            self._progress(Progress(self._step, done, total, self._values, self._note))


def optimizer_steps(config: TrainingConfig, rows: int) -> int:
    """Optimizer steps until the first of `epochs` and `max_steps` is reached.

    Args:
        config: Has them, and the sizes of batches.
        rows: Of training, over all processes.

    Example:
        >>> optimizer_steps(TrainingConfig(epochs=2, batch_size=8, max_steps=100), rows=20)
        6
    """
    # As the Trainer counts: an epoch's last batch and its last step may be short. Of its own
    # `max_steps` it would reach the end, however many epochs that took.
    batches = math.ceil(rows / (config.batch_size * world_size()))
    steps = math.ceil(config.epochs * math.ceil(batches / config.gradient_accumulation))
    return steps if config.max_steps is None else min(steps, config.max_steps)


_SCHEDULES = {"constant": "constant_with_warmup"}


def trainer_options(
    config: TrainingConfig,
    dataset: Dataset[Any],
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    *,
    seed: int,
    step: str,
    progress: ProgressCallback = silent,
    stopping: EarlyStoppingConfig | None = None,
    held_out: ChosenRows | None = None,
) -> dict[str, Any]:
    """What a recipe's settings are as options of a `BucketedTrainer`.

    Args:
        config: Length and speed.
        dataset: The training rows.
        tokenizer: Pads the batches.
        folder: Where checkpoints go.
        seed: Of shuffling and dropout.
        step: The name in progress reports.
        progress: Called after each optimizer step.
        stopping: When to stop before the end; needs `held_out`.
        held_out: Rows that are not learned from.
    """
    numbers = precision(config)
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=config.epochs,
        max_steps=optimizer_steps(config, len(cast(Sized, dataset))),
        per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=config.batch_size,
        gradient_accumulation_steps=config.gradient_accumulation,
        learning_rate=config.learning_rate,
        warmup_steps=config.warmup,  # below 1 it is a share
        # By its short name, "constant" would leave the warm-up out.
        lr_scheduler_type=_SCHEDULES.get(config.schedule, config.schedule),
        weight_decay=config.weight_decay,
        bf16=numbers == "bf16",
        fp16=numbers == "fp16",
        use_cpu=not torch.accelerator.is_available(),  # or Transformers refuses bf16 there
        seed=seed,
        save_steps=config.checkpoint_steps,
        save_total_limit=2,
        logging_steps=20,
        report_to="none",
        torch_compile=config.compile,
        ddp_broadcast_buffers=False,  # each process sees rows of its own; see quantize.activations
        ddp_find_unused_parameters=True,  # a loss may leave the head or the last layers alone
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
        label_names=["labels"],
    )
    # More GPUs are for more processes, see torchrun: the Trainer's own way to use them from one,
    # DataParallel, copies models in threads, which would mix up what is captured from them.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    packed = isinstance(dataset, PackedTokens)
    of_tokens = getattr(dataset, "answers", None) is not None
    padding = PaddingCollator(tokenizer, of_tokens=of_tokens)
    callbacks: list[TrainerCallback] = [_MarkComplete(), _ReportProgress(step, progress)]
    if config.tensorboard and is_main():
        # Beside the checkpoints, which are removed when the step is done.
        callbacks.append(loss_curves(folder.with_name("tensorboard")))
    if stopping is not None and held_out is not None:
        epoch = config.model_copy(update={"epochs": 1.0, "max_steps": None})
        steps = optimizer_steps(epoch, len(cast(Sized, dataset)))
        callbacks.append(EarlyStopping(stopping, held_out, steps, step, progress))
    return {
        "args": arguments,
        "train_dataset": dataset,
        "eval_dataset": held_out,
        # Blocks of one length need no padding, only to be stacked: 60 times as fast.
        "data_collator": default_data_collator if packed else padding,
        "callbacks": callbacks,
    }


def train_to_end(trainer: Trainer, *, gradient_checkpointing: bool = False) -> None:
    """Trains, going on from the last whole checkpoint where there is one.

    A run that was killed and started again ends with the same bits as an undisturbed one on the
    same machine: the order of rows depends on seed and epoch, and a checkpoint holds weights,
    optimizer, schedule and random states.

    An interrupt (Ctrl-C) leaves a checkpoint of the step that it comes in. With `EarlyStopping`
    among the callbacks the weights are in the end those of the best moment.

    Raises:
        InputError: The checkpoint is of another number of processes. Its steps had other rows, so
            that neither what is left to do nor the learning rate would be right.
    """
    trainer.remove_callback(PrinterCallback)  # it prints on stdout, which a library must not
    checkpoint = last_whole_checkpoint(Path(str(trainer.args.output_dir)))
    if checkpoint is not None:
        _check_rows(Path(checkpoint), rows_a_step(trainer.args))
    found = (each for each in trainer.callback_handler.callbacks if isinstance(each, EarlyStopping))
    stopping = next(found, None)
    if stopping is not None:
        stopping.trainer = trainer
    if checkpoint is not None and _is_over(state := _state(checkpoint), stopping):
        # Where the last step ends within an epoch, the Trainer would do one more.
        trainer._load_from_checkpoint(checkpoint)
        trainer.state = state
    else:
        with saved_where_interrupted(trainer), _made_for_training(trainer, gradient_checkpointing):
            trainer.train(resume_from_checkpoint=checkpoint)
    if stopping is not None:
        stopping.restore(trainer)


@contextlib.contextmanager
def _made_for_training(trainer: Trainer, gradient_checkpointing: bool) -> Iterator[None]:
    """Plain attention for bfloat16 on a CPU, where the fused one's backward pass is slow.

    Whole steps of a 4 × 312 student take 0.6 of the time so. Models have their own back
    afterwards: in the forward pass alone the fused one is the faster.
    """
    root: Any = trainer.model  # a model, or what wraps one
    model = next(module for module in root.modules() if isinstance(module, PreTrainedModel))
    before = model.config._attn_implementation
    if trainer.args.device.type == "cpu" and trainer.args.bf16:
        model.set_attn_implementation("eager")
    # Transformers 6 knows it by this name alone.
    name = "activation" if hasattr(model, "activation_checkpointing_enable") else "gradient"
    if gradient_checkpointing:
        getattr(model, f"{name}_checkpointing_enable")()
    try:
        yield
    finally:
        if gradient_checkpointing:
            getattr(model, f"{name}_checkpointing_disable")()
        model.set_attn_implementation(before)


def _check_rows(checkpoint: Path, rows: int) -> None:
    before = (checkpoint / COMPLETE).read_text(encoding="utf-8")
    if before != str(rows):
        raise InputError(
            f"{checkpoint}: its steps had {before} rows, those of {world_size()} processes have "
            f"{rows}; go on with as many processes as before, or remove {checkpoint.parent} to "
            "begin the step anew"
        )


def _state(checkpoint: str) -> TrainerState:
    return TrainerState.load_from_json(str(Path(checkpoint) / TRAINER_STATE_NAME))


def _is_over(state: TrainerState, stopping: EarlyStopping | None) -> bool:
    ended = stopping is not None and stopping.has_ended(state)
    return ended or state.global_step >= state.max_steps


def last_whole_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint that is as it was written; torn and damaged ones are removed."""
    if is_main():
        for checkpoint in folder.glob("checkpoint-*"):
            if not ((checkpoint / COMPLETE).exists() and is_whole(checkpoint)):
                logger.info("removing %s, which was not written to its end", checkpoint)
                remove(checkpoint)
    wait_for_all()
    return get_last_checkpoint(str(folder)) if folder.exists() else None
