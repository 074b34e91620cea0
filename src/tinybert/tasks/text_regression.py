"""A number for a sentence or a pair of sentences."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tinybert.data.table import Table
from tinybert.tasks.columns import number
from tinybert.tasks.config import (
    activation_config,
    config_labels,
    is_classifier_of,
    named_activation,
    saved_fields,
)
from tinybert.tasks.task import Examples, Prediction, Task

SAME_VALUE = 0.02
"""Values that differ by less than this share of their range count as the same prediction."""


@dataclass(frozen=True, kw_only=True)
class TextRegression(Task):
    """Text regression.

    Attributes:
        activation: What makes a value of the model's only output: "identity", "sigmoid" as in
            most cross-encoders, or None, which is the identity where nobody said so.

    Example:
        >>> task = TextRegression(label="score")
        >>> task.examples(Table({"sentence": ["fine"], "score": ["3.2"]}, "train.tsv")).labels
        array([3.2], dtype=float32)
    """

    kind: ClassVar[str] = "text-regression"
    head: ClassVar[str] = "AutoModelForSequenceClassification"
    scored_by: ClassVar[tuple[str, ...]] = ("spearman", "pearson", "mse")

    metrics: tuple[str, ...] = ("spearman", "pearson")
    activation: str | None = None

    def for_model(self, model: Task) -> "TextRegression":
        """This task with the activation of a model."""
        super().for_model(model)
        assert isinstance(model, TextRegression)
        return replace(self, activation=model.activation)

    def examples(self, table: Table, labeled: bool = True) -> Examples:
        """Texts, and values (rows,) float32."""
        labels = None
        if labeled:
            rows = range(len(table))
            labels = np.array([number(table, self.label, row) for row in rows], np.float32)
        return Examples(self.rows(table), labels, table.source)

    def model_config(self) -> dict[str, Any]:
        """One output, trained with the squared error where it is the value."""
        return {
            "id2label": {0: self.label},
            "label2id": {self.label: 0},
            # Of a "regression" Transformers' pipelines give the output itself; of one output
            # without a type, its sigmoid.
            "problem_type": None if self.activation == "sigmoid" else "regression",
            **activation_config(self.activation),
            **super().model_config(),
        }

    def decode(self, logits: NDArray[np.float32]) -> list[Prediction]:
        """The value of each row."""
        return [{"value": value} for value in self.answers(logits).tolist()]

    def answers(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """The only output behind its activation, (rows,)."""
        outputs = logits[:, 0]
        if self.activation != "sigmoid":
            return outputs
        powers = np.exp(-np.abs(outputs))  # which can't overflow
        return np.where(outputs < 0, powers, 1) / (1 + powers)

    def agrees(
        self, logits: NDArray[np.float32], expected: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """Whether two values differ by no more than 2% of the range of the expected ones."""
        wanted = self.answers(expected)
        return np.abs(self.answers(logits) - wanted) <= SAME_VALUE * np.ptp(wanted)

    @classmethod
    def from_model_config(cls, config: Mapping[str, Any]) -> "TextRegression | None":
        """The task of a sequence classifier with one output."""
        if not is_classifier_of(config, cls.kind) or len(config_labels(config)) != 1:
            return None
        if (config.get("problem_type") or "regression") != "regression":
            return None
        return cls(activation=named_activation(config), **saved_fields(config, cls.saved))
