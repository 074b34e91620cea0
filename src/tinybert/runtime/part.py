"""One task of a model that does several."""

from typing import ClassVar

import numpy as np

from tinybert.base.errors import InputError, short
from tinybert.runtime.model import Facts, Model
from tinybert.runtime.text import Features, TextEncoder
from tinybert.tasks.outputs import Arrays
from tinybert.tasks.part import Part
from tinybert.tasks.several_tasks import SeveralTasks
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
    task = model.task
    if not isinstance(task, SeveralTasks):
        if name is None:
            return model
        raise InputError(f"--part {short(name)}: {model.path} does one task alone; leave it out")
    if name is None:
        raise InputError(f"{model.path}: does several tasks: name one by --part: {task.names}")
    for part, own in task.outputs:
        if part.name == name:
            return PartModel(model, part, own)
    raise InputError(f"--part {short(name)}: {model.path} does {task.names}")
