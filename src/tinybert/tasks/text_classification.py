"""One of several classes for a sentence or a pair of sentences."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError, short
from tinybert.data.table import Table
from tinybert.tasks.config import config_labels, is_classifier_of, saved_fields
from tinybert.tasks.labels import (
    UnnamedOutputs,
    has_numbers,
    in_order,
    label_name,
    match_labels,
    say_nothing,
    some_names,
    whole_number,
    whole_numbers,
)
from tinybert.tasks.task import Examples, Prediction, Task


@dataclass(frozen=True, kw_only=True)
class TextClassification(Task):
    """Text classification.

    Attributes:
        labels: The names of the classes, in the order of the model's outputs; empty until
            `fit` has found them in the training rows.
        numbered: The names that 0, 1, ... in the data stand for; `labels` itself when empty.
        ordered: Whether the order of `labels` was given, by a user, a known data set or a model;
            that of names which `fit` found in rows says nothing.

    Example:
        >>> table = Table({"sentence": ["good", "bad"], "label": ["pos", "neg"]}, "train.tsv")
        >>> task = TextClassification().fit(table)
        >>> task.labels, task.examples(table).labels
        (('neg', 'pos'), array([1, 0]))
    """

    kind: ClassVar[str] = "text-classification"
    head: ClassVar[str] = "AutoModelForSequenceClassification"
    options: ClassVar[tuple[str, ...]] = (*Task.options, "labels")
    saved: ClassVar[tuple[str, ...]] = (*Task.saved, "numbered")
    scored_by: ClassVar[tuple[str, ...]] = ("accuracy", "f1", "macro_f1", "matthews")

    metrics: tuple[str, ...] = ("accuracy",)
    labels: tuple[str, ...] = ()
    numbered: tuple[str, ...] = ()
    ordered: bool = field(default=True, compare=False)  # where they are from, not what they are

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.labels)) != len(self.labels) or len(self.labels) == 1:
            raise InputError(
                f"labels: expected two different names or more, got {some_names(self.labels)}"
            )
        if "f1" in self.metrics and len(self.labels) > 2:
            raise InputError(
                f"metrics: f1 is for two labels, here are {len(self.labels)}; use macro_f1"
            )

    def fit(self, table: Table) -> "TextClassification":
        """This task with the label names of these rows, unless it has label names already."""
        if self.labels:
            return self
        names = {label_name(table, self.label, row) for row in range(len(table))}
        if len(names) == 1:
            raise InputError(
                f"{table.source}: every row has the label {short(names.pop())} in "
                f"{short(self.label)}; expected two different ones or more"
            )
        return replace(self, labels=in_order(names), ordered=False)

    def for_model(self, model: Task) -> "TextClassification":
        """This task with its labels in the order of a model's outputs."""
        super().for_model(model)
        assert isinstance(model, TextClassification)
        if not self.labels:
            numbered = model.numbered or model.labels
            return replace(self, labels=model.labels, numbered=numbered, ordered=False)
        labels = match_labels(self.labels, model.labels, self.ordered)
        if labels == self.labels and self.ordered:
            return self
        # What was in an order keeps its numbers; what had none has those of the model's outputs.
        kept = self.labels if self.ordered and set(labels) == set(self.labels) else labels
        return replace(self, labels=labels, numbered=self.numbered or kept)

    def examples(self, table: Table, labeled: bool = True) -> Examples:
        """Texts, and class ids (rows,) int64."""
        labels = self._class_ids(table) if labeled else None
        return Examples(self.rows(table), labels, table.source)

    def _class_ids(self, table: Table) -> NDArray[np.int64]:
        self._check_fitted()
        ids = {name: index for index, name in enumerate(self.labels)}
        by_number = self._ids_by_number(ids)
        found = np.empty(len(table), np.int64)
        for row in range(len(table)):
            name = label_name(table, self.label, row)
            number = whole_number(name)
            if name in ids:
                found[row] = ids[name]
            elif number in by_number:
                found[row] = by_number[number]
            else:
                kind = UnnamedOutputs if say_nothing(self.labels) else InputError
                raise kind(
                    f"{table.where(row)}: unknown label {short(name)} in {short(self.label)}; "
                    f"known: {some_names(self.labels)}"
                )
        return found

    def _ids_by_number(self, ids: Mapping[str, int]) -> dict[int | None, int]:
        """The class of a number in the data: its name, or its place where names are no numbers."""
        numbers = whole_numbers(self.labels)
        if numbers is not None:
            return {number: ids[name] for name, number in numbers.items()}
        if has_numbers(self.labels):
            return {}
        names = self.numbered or (self.labels if self.ordered else ())
        return {index: ids[name] for index, name in enumerate(names)}

    def _check_fitted(self) -> None:
        if not self.labels:
            raise ValueError("this task has no labels yet: call fit with the training rows first")

    def model_config(self) -> dict[str, Any]:
        """Label names by class id and back."""
        self._check_fitted()
        return {
            "id2label": dict(enumerate(self.labels)),
            "label2id": {name: index for index, name in enumerate(self.labels)},
            "problem_type": "single_label_classification",
            **super().model_config(),
        }

    def decode(self, logits: NDArray[np.float32]) -> list[Prediction]:
        """The most likely label, its probability, and the probability of every label."""
        self._check_fitted()
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
