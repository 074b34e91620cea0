"""One of several classes for a sentence or a pair of sentences."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError, short
from tinybert.data.table import Table
from tinybert.tasks.config import config_labels, is_classifier_of, saved_fields
from tinybert.tasks.labels import in_order, label_name
from tinybert.tasks.metrics import AGREEMENT
from tinybert.tasks.soft_labels import SoftlyLabeledTask
from tinybert.tasks.task import Examples, Prediction


@dataclass(frozen=True, kw_only=True)
class TextClassification(SoftlyLabeledTask):
    """Text classification.

    Example:
        >>> table = Table({"sentence": ["good", "bad"], "label": ["pos", "neg"]}, "train.tsv")
        >>> task = TextClassification().fit(table)
        >>> task.labels, task.examples(table).labels
        (('neg', 'pos'), array([1, 0]))
    """

    kind: ClassVar[str] = "text-classification"
    head: ClassVar[str] = "AutoModelForSequenceClassification"
    one_label: ClassVar[bool] = True
    weighs_labels: ClassVar[bool] = True
    scored_by: ClassVar[tuple[str, ...]] = ("accuracy", "f1", "macro_f1", "matthews", AGREEMENT)

    exclusive: ClassVar[bool] = True

    metrics: tuple[str, ...] = ("accuracy",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if "f1" in self.metrics and len(self.labels) > 2:
            raise InputError(
                f"metrics: f1 is for two labels, here are {len(self.labels)}; use macro_f1"
            )

    def fit(self, table: Table) -> "TextClassification":
        """This task with the label names of these rows, unless it has label names already."""
        if self.labels:
            return self
        if self.soft_labels:
            return replace(self, labels=in_order({*self.soft_names}), ordered=False)
        names = {label_name(table, self.label, row) for row in range(len(table))}
        if len(names) == 1:
            raise InputError(
                f"{table.source}: every row has the label {short(names.pop())} in "
                f"{short(self.label)}; expected two different ones or more"
            )
        return replace(self, labels=in_order(names), ordered=False)

    def examples(self, table: Table, labeled: bool = True) -> Examples:
        """Texts, and class ids (rows,) int64: where no column has them, the likeliest."""
        soft, labels = self.read_soft_labels(table), None
        if labeled and (soft is None or self.label in table.columns):
            labels = self._class_ids(table)
        elif labeled and soft is not None:
            labels = self.answers(soft)
        return Examples(self.rows(table), labels, table.source, soft)

    def _class_ids(self, table: Table) -> NDArray[np.int64]:
        known = self.output_numbers()
        found = [
            self.output_of(label_name(table, self.label, row), known, self.label, table.where(row))
            for row in range(len(table))
        ]
        return np.array(found, np.int64)

    def label_counts(self, labels: NDArray[Any]) -> dict[str, int]:
        """The rows of each label."""
        counts = np.bincount(labels, minlength=len(self.labels)).tolist()
        return dict(zip(self.labels, counts, strict=True))

    def model_config(self) -> dict[str, Any]:
        """Label names by class id and back."""
        return {"problem_type": "single_label_classification", **super().model_config()}

    def decode(self, logits: NDArray[np.float32]) -> list[Prediction]:
        """The most likely label, its probability, and the probability of every label."""
        self.require_labels()
        powers = np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float64)
        predictions: list[Prediction] = []
        for scores in (powers / powers.sum(axis=1, keepdims=True)).tolist():
            by_label = dict(zip(self.labels, scores, strict=True))
            best = self.labels[int(np.argmax(scores))]
            predictions.append({"label": best, "score": by_label[best], "scores": by_label})
        return predictions

    def answers(self, logits: NDArray[np.float32]) -> NDArray[np.int64]:
        """The class with the highest logit, (rows,)."""
        return logits.argmax(axis=1)

    def as_counted(self, answers: NDArray[Any]) -> NDArray[Any]:
        """Class ids as the data set numbers its classes, whatever the order of a model's outputs.

        Example:
            >>> task = TextClassification(labels=("yes", "no"), numbered=("no", "yes"))
            >>> task.as_counted(np.array([0, 0, 1]))
            array([1, 1, 0])
        """
        if set(self.numbered) != set(self.labels):
            return answers
        return np.array([self.numbered.index(name) for name in self.labels])[answers]

    @classmethod
    def from_model_config(cls, config: Mapping[str, Any]) -> "TextClassification | None":
        """The task of a sequence classifier with two outputs or more."""
        if not is_classifier_of(config, cls.kind):
            return None
        labels = config_labels(config)
        problem = config.get("problem_type") or "single_label_classification"
        if len(labels) < 2 or problem != "single_label_classification":
            return None
        return cls(labels=labels, **saved_fields(config, cls.saved))
