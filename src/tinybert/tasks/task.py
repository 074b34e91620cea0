"""The interface that every task adapter fills in.

A task turns columns into texts and labels, says which head the model needs, turns
logits into predictions and scores them. It imports no torch, so that the runtime
of a compressed model can use it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError, short
from tinybert.data.layout import GLUE_LAYOUT, Layout
from tinybert.data.table import Table
from tinybert.tasks.metrics import METRICS

Text = str | tuple[str, str]
"""One input: a sentence, or a pair of sentences."""


def text_parts(text: Text) -> tuple[str, ...]:
    """The one sentence, or both of a pair.

    Example:
        >>> text_parts("a film"), text_parts(("a film", "a book"))
        (('a film',), ('a film', 'a book'))
    """
    return (text,) if isinstance(text, str) else text


Prediction = dict[str, Any]
"""One entry of `predict --json`: {"label", "score", "scores"} or {"value"}."""


@dataclass(frozen=True)
class Examples:
    """The rows of a data set as a task sees them.

    Attributes:
        texts: One sentence or one pair of sentences a row.
        labels: (rows,) int64 class ids or float32 values; None where they were not asked for.
        source: What the rows were read from, for messages.
    """

    texts: list[Text]
    labels: NDArray[Any] | None
    source: str

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """A kind of task with the column names, label names and metrics of one data set.

    Attributes:
        kind: The name in recipes and in report.json, such as "text-classification".
        head: The `transformers` auto class that has this task's head.
        options: The fields that a recipe may set.
        saved: The fields that a model's config.json keeps under "tinybert".
        scored_by: The metrics that this kind can have.
        text: The column of the sentence, or the two columns of a pair.
        label: The column of the label.
        metrics: The metrics that `score` returns, the one to report first.
        layout: How the data set's own folder looks: what `data.read` needs to know.

    Raises:
        InputError: An option has an impossible value.
    """

    kind: ClassVar[str]
    head: ClassVar[str]
    options: ClassVar[tuple[str, ...]] = ("text", "label", "metrics")
    saved: ClassVar[tuple[str, ...]] = ("text", "label", "metrics")
    scored_by: ClassVar[tuple[str, ...]]

    text: tuple[str, ...] = ("sentence",)
    label: str = "label"
    metrics: tuple[str, ...] = ()
    layout: Layout = GLUE_LAYOUT

    def __post_init__(self) -> None:
        if len(self.text) not in (1, 2):
            raise InputError(f"text: expected one column or two, got {len(self.text)}")
        unknown = [metric for metric in self.metrics if metric not in self.scored_by]
        if unknown or not self.metrics:
            what = f"no metric {short(unknown[0])}" if unknown else "no metrics"
            raise InputError(
                f"metrics: {what} for {self.kind}; it has: {', '.join(self.scored_by)}"
            )

    @property
    def metric(self) -> str:
        """The metric that `report.json` quotes."""
        return self.metrics[0]

    def fit(self, table: Table) -> "Task":
        """This task with what it has to learn from its training rows, such as label names.

        Raises:
            InputError: The rows don't suit the task.
        """
        return self

    def for_model(self, model: "Task") -> "Task":
        """This task with its labels in the order in which a model has its outputs.

        Args:
            model: The task that the model was trained for.

        Raises:
            InputError: The model does something else.
        """
        if model.kind != self.kind:
            raise InputError(f"the model does {model.kind}, the task is {self.kind}")
        return self

    @abstractmethod
    def examples(self, table: Table, labeled: bool = True) -> Examples:
        """Picks this task's columns out of a table.

        Args:
            table: The rows.
            labeled: Whether to read the labels; without, the label column may be absent.

        Raises:
            InputError: A column is missing, a text is empty, a label is unknown.
        """

    def model_config(self) -> dict[str, Any]:
        """What a model's config.json says about this task: `id2label`, `problem_type`, ...

        The key "tinybert" holds what stock Transformers has no key for.
        """
        fields = {name: getattr(self, name) for name in self.saved}
        return {"tinybert": {"task": {"kind": self.kind, **fields}}}

    @abstractmethod
    def decode(self, logits: NDArray[np.float32]) -> list[Prediction]:
        """Turns logits, (rows, outputs), into one prediction a row."""

    @abstractmethod
    def answers(self, logits: NDArray[np.float32]) -> NDArray[Any]:
        """The hard predictions that metrics and agreement compare, (rows,)."""

    def agrees(
        self, logits: NDArray[np.float32], expected: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """Whether two models predict the same, row by row, (rows,).

        Args:
            logits: Of one model, (rows, outputs).
            expected: Of the model that it should be as.
        """
        return np.equal(self.answers(logits), self.answers(expected))

    def as_counted(self, answers: NDArray[Any]) -> NDArray[Any]:
        """Answers or labels, (rows,), as metrics count them: f1, for one, is that of class 1."""
        return answers

    def score(self, logits: NDArray[np.float32], labels: NDArray[Any]) -> dict[str, float]:
        """Every metric of `metrics` on these rows."""
        answers, labels = self.as_counted(self.answers(logits)), self.as_counted(labels)
        return {metric: METRICS[metric](answers, labels) for metric in self.metrics}

    @classmethod
    @abstractmethod
    def from_model_config(cls, config: Mapping[str, Any]) -> "Task | None":
        """The task that a config.json describes; None where this kind is another's."""
