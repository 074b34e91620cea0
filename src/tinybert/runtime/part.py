"""One task of a model that does several."""

from typing import ClassVar

import numpy as np

from tinybert.base.errors import InputError, short
from tinybert.runtime.model import Facts, Model
from tinybert.runtime.text import Features, TextEncoder
from tinybert.tasks.outputs import Arrays
from tinybert.tasks.part import Part
from tinybert.tasks.task import Task


class PartModel(Model):
    """A model of several tasks that is asked for one of them.

    Args:
        model: Of several.
        part: The task.
        own: Which of the model's outputs are its.
    """

    format: ClassVar[str] = "part"

    def __init__(self, model: Model, part: Part, own: slice) -> None:
        super().__init__(model.path, {**model.config, **part.as_config()})
        self._model, self._part, self._own = model, part, own

    def forward(self, features: Features) -> Arrays:
        """The outputs of the task alone, (batch, outputs)."""
        logits = self._model.task.logits(self._model.forward(features))
        return {"logits": np.ascontiguousarray(logits[:, self._own])}

    def facts(self) -> Facts:
        """The facts of the whole model."""
        return self._model.facts()

    def _load_encoder(self) -> TextEncoder:
        return self._model.encoder

    def _load_task(self) -> Task:
        return self._part.task


def part_of(model: Model, name: str | None) -> Model:
    """A model as one of its tasks alone.

    Args:
        model: Any.
        name: Of one of its tasks; None for a model of one.

    Raises:
        InputError: It does no such task, or does several and none is named.

    Example:
        >>> part_of(tinybert.load("out"), "topic")("a goal")  # doctest: +SKIP
        [{"label": "sport", "score": 0.97, "scores": {...}}]
    """
    parts = model.task.parts
    names = ", ".join(part.name for part in parts)
    if name is None and not parts:
        return model
    if name is None:
        raise InputError(f"{model.path}: does several tasks: name one by --part: {names}")
    if not parts:
        raise InputError(f"--part {short(name)}: {model.path} does one task alone; leave it out")
    ends = np.cumsum([part.task.width for part in parts]).tolist()
    for part, start, end in zip(parts, [0, *ends], ends, strict=False):
        if part.name == name:
            return PartModel(model, part, slice(start, end))
    raise InputError(f"--part {short(name)}: {model.path} does {names}")
