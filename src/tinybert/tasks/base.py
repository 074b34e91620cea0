"""The interface that every task adapter fills in.

A task turns columns into texts and labels, says which head the model needs, turns
logits into predictions and scores them. It imports no torch, so that the runtime
of a compressed model can use it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tinybert.data.table import Table

Text = str | tuple[str, str]
"""One input: a sentence, or a pair of sentences."""

Prediction = dict[str, Any]
"""One entry of `predict --json`: {"label", "score", "scores"} or {"value"}."""


@dataclass(frozen=True)
class Examples:
    """The rows of a data set as a task sees them.

    Attributes:
        texts: One sentence or one pair of sentences a row.
        labels: (rows,) int64 class ids or float32 values; None where the data has no labels.
        source: What the rows were read from, for messages.
    """

    texts: list[Text]
    labels: NDArray[Any] | None
    source: str

    def __len__(self) -> int:
        return len(self.texts)


class Task(ABC):
    """A kind of task with the column names, label names and metrics of one data set.

    Attributes:
        kind: The name in recipes and in report.json, such as "text-classification".
        head: The `transformers` auto class that has this task's head.
        metrics: The metrics that `score` returns, the one to report first.
    """

    kind: ClassVar[str]
    head: ClassVar[str]
    metrics: tuple[str, ...]

    @property
    def metric(self) -> str:
        """The metric that `report.json` quotes."""
        return self.metrics[0]

    @abstractmethod
    def examples(self, table: Table) -> Examples:
        """Picks this task's columns out of a table.

        Raises:
            InputError: A column is missing, a text is empty, a label is unknown.
        """

    @abstractmethod
    def model_config(self) -> dict[str, Any]:
        """What the head needs in a model's config.json: num_labels, id2label, problem_type, ..."""

    @abstractmethod
    def decode(self, logits: NDArray[np.float32]) -> list[Prediction]:
        """Turns logits, (rows, outputs), into one prediction a row."""

    @abstractmethod
    def answers(self, logits: NDArray[np.float32]) -> NDArray[Any]:
        """The hard predictions that metrics and agreement compare, (rows,)."""

    @abstractmethod
    def score(self, logits: NDArray[np.float32], labels: NDArray[Any]) -> dict[str, float]:
        """Every metric of `metrics` on these rows."""

    @classmethod
    @abstractmethod
    def from_model_config(cls, config: Mapping[str, Any]) -> "Task | None":
        """The task that a config.json describes; None where this kind is another's."""


def pair_or_sentence(columns: Sequence[Sequence[str]]) -> list[Text]:
    """Zips one column into sentences or two into pairs."""
    if len(columns) == 1:
        return list(columns[0])
    first, second = columns
    return list(zip(first, second, strict=True))
