"""Models of several tasks as one: each reads the texts its own way, and all answer."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from tinybert.modeling.torch_model import load_torch
from tinybert.runtime.model import Facts, Model
from tinybert.runtime.text import Features, TextEncoder
from tinybert.tasks.outputs import Arrays, Outputs
from tinybert.tasks.task import Row, Text


class SideBySide(Model):
    """Several models, whose outputs lie side by side.

    Args:
        models: One a task, each of which answers a row once.

    Example:
        >>> SideBySide([sentiment, topic]).outputs(["a film"]).logits.shape  # doctest: +SKIP
        (1, 7)
    """

    format: ClassVar[str] = "pytorch"

    def __init__(self, models: Sequence[Model]) -> None:
        super().__init__(models[0].path, models[0].config)
        self._models = models

    def outputs(self, rows: Sequence[Text | Row], batch_size: int = 32) -> Outputs:
        """What all models give for rows, in order."""
        each = [model.outputs(rows, batch_size).logits for model in self._models]
        return Outputs({"logits": np.concatenate(each, axis=1)})

    def facts(self) -> Facts:
        """The sizes of all together."""
        each = [model.facts() for model in self._models]
        return Facts(
            self.format,
            each[0].precision,
            sum(facts.bytes for facts in each),
            sum(facts.parameters for facts in each),
        )

    def forward(self, features: Features) -> Arrays:
        """Models that read texts each their own way have no features in common."""
        raise NotImplementedError("each model reads the texts itself: ask for `outputs`")

    def _load_encoder(self) -> TextEncoder:
        raise NotImplementedError("each model reads the texts itself: ask for `outputs`")


def open_teachers(folders: Sequence[Path], max_length: int) -> Model:
    """A teacher, or those of several tasks side by side.

    Args:
        folders: Of each.
        max_length: Tokens that texts are cut to.
    """
    models = [load_torch(folder, max_length=max_length) for folder in folders]
    return models[0] if len(models) == 1 else SideBySide(models)
