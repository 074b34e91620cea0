"""`DistillationTrainer`: a `transformers.Trainer` whose loss is the distance to a teacher."""

from collections import defaultdict
from collections.abc import Sequence
from inspect import signature
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinybert.distill.config import DistillConfig
from tinybert.distill.losses import (
    attention_loss,
    hidden_state_loss,
    soft_label_loss,
    value_loss,
)
from tinybert.layers import map_layers
from tinybert.regression import LinearFit
from tinybert.training.trainer import BucketedTrainer

PROJECTION_BATCHES = 16
"""Enough tokens for the few hundred unknowns of a projection's output."""


class DistillationModel(nn.Module):
    """A student with the projections that carry its hidden states to the teacher's width.

    It is what the trainer trains, saves and resumes; the projections are dropped afterwards.

    Args:
        student: Trained in place.
        teacher_width: Hidden size of the teacher.
        config: Which losses, how strong.
        mapping: The teacher layer, from 1, of each student layer.
    """

    def __init__(
        self,
        student: PreTrainedModel,
        teacher_width: int,
        config: DistillConfig,
        mapping: Sequence[int],
    ) -> None:
        super().__init__()
        self.student = student
        self.settings = config
        self.mapping = mapping
        # Also where the widths agree: the same directions need not be in the same places.
        self.projections: Any = nn.ModuleList(
            nn.Linear(student.config.hidden_size, teacher_width) for _ in self.matched_layers()
        )

    def matched_layers(self) -> list[tuple[int, int]]:
        """The (student, teacher) indices of hidden states to compare; 0 is the embeddings."""
        embeddings = [(0, 0)] if self.settings.embedding else []
        layers = list(enumerate(self.mapping, start=1)) if self.settings.hidden else []
        return embeddings + layers

    def forward(self, teacher: Any, **inputs: Tensor) -> dict[str, Tensor]:
        """The student's losses against what the teacher gave for the same inputs.

        Args:
            teacher: Its outputs.
            inputs: input_ids, attention_mask, (batch, length), and what else the student takes.

        Returns:
            "loss", the weighted sum, and each loss by its name.
        """
        if not self.settings.label:
            inputs.pop("labels", None)
        outputs = self.student(
            **inputs,
            output_hidden_states=len(self.projections) > 0,
            output_attentions=self.settings.attention > 0,
        )
        mask = inputs["attention_mask"]
        losses: dict[str, Tensor] = {}
        if self.settings.prediction:
            losses["prediction"] = self._prediction(outputs.logits, teacher.logits)
        if self.settings.label:
            losses["label"] = outputs.loss
        if len(self.projections):
            losses |= self._hidden(outputs.hidden_states, teacher.hidden_states, mask)
        if self.settings.attention:
            losses["attention"] = torch.stack(
                [
                    attention_loss(own, teacher.attentions[layer - 1], mask)
                    for own, layer in zip(outputs.attentions, self.mapping, strict=True)
                ]
            ).mean()
        total = sum(getattr(self.settings, name) * loss for name, loss in losses.items())
        return {"loss": torch.as_tensor(total), **losses}

    def _prediction(self, student: Tensor, teacher: Tensor) -> Tensor:
        if self.student.config.problem_type == "regression":
            return value_loss(student, teacher)
        return soft_label_loss(student, teacher, self.settings.temperature)

    def _hidden(
        self, own: Sequence[Tensor], theirs: Sequence[Tensor], mask: Tensor
    ) -> dict[str, Tensor]:
        losses: dict[str, list[Tensor]] = defaultdict(list)
        for projection, (layer, target) in zip(
            self.projections, self.matched_layers(), strict=True
        ):
            loss = hidden_state_loss(projection(own[layer]), theirs[target], mask)
            losses["hidden" if layer else "embedding"].append(loss)
        return {name: torch.stack(values).mean() for name, values in losses.items()}


class DistillationTrainer(BucketedTrainer):
    """A `transformers.Trainer` that trains a student to do as a teacher does.

    The teacher runs in eval mode and without gradients, on the batches that the student sees.

    Args:
        model: The student, trained in place.
        teacher: Any model with the same tokenizer and labels.
        settings: Which losses, how strong; its training settings are for the `distill` step.
        options: Those of `transformers.Trainer`.

    Raises:
        InputError: The teacher has too few layers or heads for the settings.

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
        teacher: PreTrainedModel,
        settings: DistillConfig,
        **options: Any,
    ) -> None:
        layers = teacher.config.num_hidden_layers, model.config.num_hidden_layers
        mapping = map_layers(*layers, settings.mapping)
        if settings.attention:
            # Fused attention never forms the maps that this loss compares.
            model.set_attn_implementation("eager")
            teacher.set_attn_implementation("eager")
        pupil = DistillationModel(model, teacher.config.hidden_size, settings, mapping)
        super().__init__(model=pupil, **options)
        self.model_accepts_loss_kwargs = False  # each loss is a mean over its own batch
        self.teacher = teacher.eval().requires_grad_(False).to(self.args.device)
        self._sums: dict[str, float] = defaultdict(float)

    @torch.no_grad()
    def fit_projections(self) -> None:
        """Starts each projection at its least-squares solution on the first few batches.

        A random projection would first pull a well initialised student away from its place.
        """
        pupil = self.model
        if not len(pupil.projections):
            return
        fits = [LinearFit(layer.in_features, layer.out_features) for layer in pupil.projections]
        pupil.eval()
        for batch in islice(self.get_train_dataloader(), PROJECTION_BATCHES):
            features = {name: value for name, value in batch.items() if name != "labels"}
            mask = features["attention_mask"].bool()
            own = pupil.student(**features, output_hidden_states=True).hidden_states
            theirs = self.teacher(**features, output_hidden_states=True).hidden_states
            for fit, (layer, target) in zip(fits, pupil.matched_layers(), strict=True):
                fit.add(own[layer][mask], theirs[target][mask])
        for fit, projection in zip(fits, pupil.projections, strict=True):
            fit.solve(projection)

    def _set_signature_columns_if_needed(self) -> None:
        # Those of the student: the Trainer would read those of the wrapper, which passes all on.
        if self._signature_columns is None:
            names = signature(self.model.student.forward).parameters
            self._signature_columns = [*names]  # type: ignore[assignment]  # typed as None

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The weighted sum of the losses that the model's settings ask for."""
        settings = self.model.settings
        with torch.no_grad():
            features = {name: value for name, value in inputs.items() if name != "labels"}
            teacher = self.teacher(
                **features,
                output_hidden_states=len(self.model.projections) > 0,
                output_attentions=settings.attention > 0,
            )
        losses = model(teacher=teacher, **inputs)
        for name, value in losses.items():
            self._sums[name] += value.item()
        self._sums["batches"] += 1
        return (losses["loss"], losses) if return_outputs else losses["loss"]

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Adds the mean of each loss since the last log."""
        batches = self._sums.pop("batches", 0)
        if batches and "loss" in logs:
            del self._sums["loss"]
            logs |= {f"loss_{name}": value / batches for name, value in self._sums.items()}
            self._sums.clear()
        super().log(logs, start_time)
