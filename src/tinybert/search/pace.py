"""How fast models train on this machine: a few steps of those with one and two layers."""

import contextlib
import random
import time
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from transformers import PreTrainedModel

from tinybert.distillation.config import DistillationConfig
from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.modeling.load import forget_last_call, load_tokenizer, tokenize
from tinybert.recipe.inputs import Inputs
from tinybert.steps.student.build import build_student
from tinybert.steps.student.config import StudentConfig
from tinybert.training.config import TrainingConfig
from tinybert.training.precision import AUTOCAST, native_precision

SAMPLE = 256
"""Rows whose tokens are counted."""

RUNS = 3

FORWARD = 1 / 3
"""What a forward pass takes of a step, whose backward pass is about two more."""


@dataclass
class Pace:
    """Seconds that trainings take.

    Args:
        inputs: The rows.
        max_length: Tokens that these are cut to.
        teacher: Whose class and vocabulary all models have; its weights are not looked at.
    """

    inputs: Inputs
    max_length: int
    teacher: PreTrainedModel
    _known: dict[tuple[int, ...], tuple[float, float]] = field(default_factory=dict, repr=False)
    _length: int = 0

    def training(
        self,
        shape: ExpectedShape,
        config: TrainingConfig,
        steps: int,
        rows: int,
        teacher: ExpectedShape | None,
    ) -> float:
        """Seconds of a training on the task's rows.

        Args:
            shape: What is trained.
            config: How.
            steps: Optimizer steps.
            rows: Different ones.
            teacher: What it learns from, if from a model.
        """
        batch = min(config.batch_size, max(rows, 1))
        batches = steps * config.gradient_accumulation
        seconds = batches * self._step(shape, batch)
        if isinstance(config, DistillationConfig) and teacher is not None:
            # Its predictions are kept, and what its layers compute is not.
            asked = batches if config.compares_layers else min(batches, rows / batch)
            seconds += FORWARD * asked * self._step(teacher, batch)
        return seconds

    def _step(self, shape: ExpectedShape, batch: int) -> float:
        """Seconds of a forward and a backward pass with an optimizer step."""
        neurons = round(sum(shape.neuron_counts) / shape.layers)
        key = (shape.hidden_size, shape.head_size, neurons, batch)
        if key not in self._known:
            one, two = (
                self._timed(replace(shape, layers=layers), neurons, batch) for layers in (1, 2)
            )
            self._known[key] = one, max(two - one, one / 10)
        one, more = self._known[key]
        return one + (shape.layers - 1) * more

    def _timed(self, shape: ExpectedShape, neurons: int, batch: int) -> float:
        student = StudentConfig(
            layers=shape.layers,
            hidden_size=shape.hidden_size,
            attention_heads=max(shape.hidden_size // shape.head_size, 1),
            intermediate_size=max(neurons, 1),
            init="random",
        )
        device = torch.accelerator.current_accelerator() or torch.device("cpu")
        model: Any = build_student(student, self.teacher)
        model.to(device).train()
        dtype = AUTOCAST.get(native_precision())
        if dtype is not None and device.type == "cpu":
            model.set_attn_implementation("eager")  # as trainings do
        optimizer = torch.optim.AdamW(model.parameters())
        ids = torch.randint(0, model.config.vocab_size, (batch, self._tokens()), device=device)
        found = []
        for _ in range(1 + RUNS):
            start = time.perf_counter()
            with torch.autocast(device.type, dtype) if dtype else contextlib.nullcontext():
                loss = model(input_ids=ids).logits.float().square().mean()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            loss.item()  # a GPU is behind
            found.append(time.perf_counter() - start)
        return min(found[1:])

    def _tokens(self) -> int:
        """Tokens of a row, on average: batches hold rows of like length, with little padding."""
        if not self._length:
            rows = self.inputs.train or self.inputs.eval
            places = random.Random(0).sample(range(len(rows)), min(SAMPLE, len(rows)))
            tokenizer = load_tokenizer(self.inputs.teacher)
            texts = [rows.texts[place] for place in places]
            ids = tokenize(texts, tokenizer, self.max_length)["input_ids"]
            forget_last_call(tokenizer)
            self._length = max(2, round(sum(map(len, ids)) / len(ids)))
        return self._length
