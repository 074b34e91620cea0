"""`DistillationTrainer`: a `transformers.Trainer` whose loss is the distance to a teacher."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from inspect import signature
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.trainer_utils import TrainOutput

from tinybert.base.errors import InputError
from tinybert.distillation.config import DistillationConfig
from tinybert.distillation.model import DistillationModel, LabelLoss
from tinybert.distillation.schedules import Moment, Schedule, find_schedule
from tinybert.distillation.signals import LOGITS, ROW, Signals, model_inputs, run
from tinybert.distillation.teacher import Teacher
from tinybert.modeling.distributed import world_size
from tinybert.modeling.mapping import pair_layers
from tinybert.modeling.shape import note_shape
from tinybert.training.batches import ANSWERED
from tinybert.training.row_choice import ChosenRows
from tinybert.training.trainer import BucketedTrainer

FITTING_BATCHES = 16
"""Enough tokens for the few hundred unknowns of a projection's output."""


class DistillationTrainer(BucketedTrainer):
    """A `transformers.Trainer` that trains a student to do as a teacher does.

    The teacher runs in eval mode and without gradients, on the batches that the student sees.

    Args:
        model: The student, trained in place.
        teacher: Any model with the same tokenizer and labels, or a `Teacher` of several models
            or with a cache.
        settings: Which losses, how strong; its training settings are for the `distill` step.
        schedule: Changes the weights of the losses as training goes on; default: the settings'
            `weights_schedule`.
        layers: The (student, teacher) layers to compare, from 1; default: by the settings'
            mapping, of which `nearest` needs them to be given, see `nearest_layers`.
        label_loss: Of logits and labels, in place of the student's own.
        options: Those of `transformers.Trainer`.

    Raises:
        InputError: The teacher has too few layers for the settings.

    Example:
        >>> trainer = DistillationTrainer(student, teacher=teacher, settings=DistillConfig(),
        ...     args=TrainingArguments("out"), train_dataset=rows)  # doctest: +SKIP
        >>> trainer.train()  # doctest: +SKIP
    """

    model: DistillationModel

    def __init__(
        self,
        model: PreTrainedModel,
        *,
        teacher: PreTrainedModel | Teacher,
        settings: DistillationConfig,
        schedule: Schedule | None = None,
        layers: Sequence[tuple[int, int]] | None = None,
        label_loss: LabelLoss | None = None,
        **options: Any,
    ) -> None:
        self.teacher = teacher if isinstance(teacher, Teacher) else Teacher([teacher])
        first = self.teacher.models[0]
        if layers is None:
            counts = first.config.num_hidden_layers, model.config.num_hidden_layers
            # Where none are compared, a student may have more than its teacher.
            layers = pair_layers(*counts, settings.mapping) if settings.compares_layers else []
        pupil = DistillationModel(model, first, settings, layers, label_loss)
        super().__init__(model=pupil, **options)
        self.teacher.to(self.args.device)
        self.dropout = settings.dropout
        self.schedule = schedule or find_schedule(getattr(settings, "weights_schedule", "constant"))
        self._sums: dict[str, Any] = defaultdict(float)

    def train(self, *arguments: Any, **options: Any) -> TrainOutput:
        """Trains with the settings' dropout; the student has its own back afterwards."""
        with _dropout(self.model.student, self.dropout):
            return super().train(*arguments, **options)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Saves the student, and the tokenizer if it was given, as a Hugging Face directory.

        Checkpoints hold what training goes on with: the projections too.
        """
        if _internal_call:
            super().save_model(output_dir, _internal_call=True)
        elif self.args.should_save:
            folder = str(output_dir or self.args.output_dir)
            note_shape(self.model.student)
            self.model.student.save_pretrained(folder)
            if self.processing_class is not None:
                self.processing_class.save_pretrained(folder)

    def fit_projections(self) -> None:
        """Starts the projections of hidden states at their least-squares solutions."""
        wanted = self.model.teacher_signals(self.model.projected())
        if wanted:
            self.model.fit_projections(
                (model_inputs(batch), self.teacher(batch, wanted))
                for batch in islice(self.get_train_dataloader(), FITTING_BATCHES)
            )

    def _set_signature_columns_if_needed(self) -> None:
        # Those of the student: the Trainer would read those of the wrapper, which passes all on.
        if self._signature_columns is None:
            names = [*signature(self.model.student.forward).parameters, ROW, ANSWERED]
            names += ["label", "label_ids"]
            self._signature_columns = names  # type: ignore[assignment]  # typed as None

    def _weights_now(self) -> dict[str, float]:
        """The weights of the losses that count at this moment."""
        state = self.state
        moment = Moment(state.epoch or 0.0, state.global_step / max(state.max_steps, 1))
        factors: Mapping[str, float] = self.schedule(moment)
        weights = {
            name: weight * factors.get(name, 1.0) for name, weight in self.model.weights.items()
        }
        weights = {name: weight for name, weight in weights.items() if weight}
        if not weights:
            raise InputError(f"the schedule leaves no loss at epoch {moment.epoch:.2f}")
        return weights

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The weighted sum of the losses that the settings and the schedule ask for."""
        losses = self._losses(model, inputs)
        for name, value in losses.items():
            self._sums[name] += value.detach()  # no .item(): it would make a GPU wait
        self._sums["batches"] += 1
        return (losses["loss"], losses) if return_outputs else losses["loss"]

    def prediction_step(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """The loss on an evaluation batch, and for metrics the student's logits and the labels."""
        inputs = self._prepare_inputs(inputs)
        if not isinstance(self.eval_dataset, ChosenRows):
            inputs.pop(ROW, None)  # not a row of those that a cache knows
        with torch.no_grad(), self.accelerator.autocast():
            loss = self._losses(model, dict(inputs))["loss"].detach()
            if prediction_loss_only:
                return loss, None, None
            logits = run(self.model.student, model_inputs(inputs), [LOGITS])[1][LOGITS]
        return loss, logits.float(), inputs.get("labels")

    def _losses(self, model: nn.Module, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """What `DistillationModel.forward` gives for a batch, with the weights of this moment."""
        weights = self._weights_now()
        # The Trainer's mixed precision is for its model's own forward pass alone.
        with self.accelerator.autocast():
            teacher: Signals = self.teacher(inputs, self.model.teacher_signals(weights))
        features = {name: value for name, value in inputs.items() if name != ROW}
        mask = features["attention_mask"]
        shares = {
            "token_share": token_share(mask),
            "answer_share": token_share(features.get(ANSWERED, mask)),
        }
        return model(teacher=teacher, weights=weights, **shares, **features)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Adds the mean of each loss since the last log."""
        if "loss" in logs and "batches" in self._sums:
            batches = self._sums.pop("batches")
            del self._sums["loss"]
            logs |= {f"loss_{name}": float(sum_) / batches for name, sum_ in self._sums.items()}
            self._sums.clear()
        super().log(logs, start_time)


@contextlib.contextmanager
def _dropout(model: PreTrainedModel, share: float) -> Iterator[None]:
    """Soft labels regularise by themselves, and a small student has no capacity to drop."""
    own = [(module, module.p) for module in model.modules() if isinstance(module, nn.Dropout)]
    for module, _ in own:
        module.p = share
    try:
        yield
    finally:
        for module, before in own:
            module.p = before


def token_share(mask: Tensor) -> Tensor | float:
    """How many tokens this process has in its batch, against the mean of all processes.

    DDP averages over processes: weighted by it, means over tokens become those of the whole
    batch, however its rows are spread.
    """
    if world_size() == 1:
        return 1.0
    own = mask.sum(dtype=torch.float32)
    total = own.clone()
    torch.distributed.all_reduce(total)
    return own * world_size() / total
