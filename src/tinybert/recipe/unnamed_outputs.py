"""Finds which output of a model is likely which label, where the outputs have no names.

Nothing may be guessed here: a wrong order gives wrong answers in silence. The model's own answers
on labeled rows say which order is likely, and the user says that it is so.
"""

import contextlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError
from tinybert.data.table import Table
from tinybert.runtime.model import Model
from tinybert.tasks.labels import UnnamedOutputs, in_order, label_name
from tinybert.tasks.rows import row_text
from tinybert.tasks.task import Examples, Task
from tinybert.tasks.text_classification import TextClassification

ROWS = 500
"""Rows that the model answers, spread over the table."""

_STANDARD_ERRORS = 3.0
"""Standard errors by which the agreement must be above chance."""


@dataclass(frozen=True)
class Likely:
    """The order of labels that fits a model's answers best.

    Attributes:
        labels: In the order of the model's outputs.
        agreement: The share of rows that the model answers as they are labeled.
        chance: The share to expect of answers that have nothing to do with the labels.
        rows: How many there were.
        source: Of the rows.
    """

    labels: tuple[str, ...]
    agreement: float
    chance: float
    rows: int
    source: str

    @property
    def is_sure(self) -> bool:
        """Whether the agreement is better than chance."""
        deviation = np.sqrt(self.chance * (1 - self.chance) / self.rows)
        return bool(self.agreement > self.chance + _STANDARD_ERRORS * deviation)

    def as_recipe(self, task: str | Mapping[str, Any]) -> str:
        """The sentence that ends in the line to paste into a recipe.

        Args:
            task: What the recipe says now.

        Example:
            >>> likely = Likely(("World", "Business"), 0.95, 0.5, 100, "train.csv")
            >>> print(likely.as_recipe("text-classification"))
            in the likely order its answers are the labels of 95.0% of 100 rows of train.csv; if \
that is right, say so: `task: {kind: text-classification, labels: [World, Business]}`
        """
        import yaml  # not part of the plain install, where `evaluate` runs

        given = {"kind": task} if isinstance(task, str) else dict(task)
        line = yaml.safe_dump(
            {**given, "labels": list(self.labels)},
            default_flow_style=True,
            sort_keys=False,
            allow_unicode=True,
            width=math.inf,
        ).strip()
        asked = "if that is right" if self.is_sure else "if you know the order"
        return f"{self}; {asked}, say so: `task: {line}`"

    def __str__(self) -> str:
        of_rows = f"{self.agreement:.1%} of {self.rows} rows of {self.source}"
        if self.is_sure:
            return f"in the likely order its answers are the labels of {of_rows}"
        return (
            f"in the best order its answers are the labels of {of_rows}, no better than chance "
            f"({self.chance:.1%}): was it fine-tuned for this task?"
        )


def likely_order(model: Model, task: Task, table: Table) -> Likely | None:
    """The order of labels that fits a model's answers best; None where it can't be known.

    The labels are assigned greedily, the largest count of rows first, then pairs are swapped as
    long as that agrees with more rows.

    Args:
        model: Its outputs have no names.
        task: Names the columns.
        table: Labeled rows, of which `ROWS` are read.

    Raises:
        InputError: A row has no text or no label, or the model can't run.
    """
    outputs = len(getattr(model.task, "labels", ()))
    if not isinstance(task, TextClassification) or len(table) == 0:
        return None
    every_name = [label_name(table, task.label, row) for row in range(len(table))]
    names = in_order(set(every_name))
    if len(names) != outputs:
        return None
    rows = np.unique(np.linspace(0, len(table) - 1, min(ROWS, len(table))).astype(np.int64))
    texts = [row_text(row) for row in task.rows(table)]
    answers = model.logits([texts[row] for row in rows]).argmax(axis=1)
    labels = np.array([names.index(every_name[row]) for row in rows])
    counts = np.zeros((outputs, outputs), np.int64)
    np.add.at(counts, (answers, labels), 1)
    order = best_order(counts)
    chance = (counts.sum(axis=1) * counts.sum(axis=0)[order]).sum() / len(rows) ** 2
    agreement = counts[np.arange(outputs), order].sum() / len(rows)
    likely = tuple(names[label] for label in order)
    return Likely(likely, float(agreement), float(chance), len(rows), table.source)


def first_likely_order(model: Model, task: Task, tables: Iterable[Table]) -> Likely | None:
    """The likely order by the first table that has labels to tell it."""
    for table in tables:
        with contextlib.suppress(InputError):
            if likely := likely_order(model, task, table):
                return likely
    return None


def best_order(counts: NDArray[np.int64]) -> list[int]:
    """The label of each output, so that most rows agree: greedily, then by swaps.

    Args:
        counts: Rows by output and label, (outputs, labels), as many of both.

    Example:
        >>> best_order(np.array([[1, 9], [8, 2]]))
        [1, 0]
    """
    size = len(counts)
    order, free = [-1] * size, set(range(size))
    for place in np.argsort(-counts, axis=None, kind="stable"):
        output, label = divmod(int(place), size)
        if order[output] < 0 and label in free:
            order[output] = label
            free.remove(label)
    better = True
    while better:
        better = False
        for one in range(size):
            for other in range(one):
                a, b = order[one], order[other]
                if counts[one, b] + counts[other, a] > counts[one, a] + counts[other, b]:
                    order[one], order[other], better = b, a, True
    return order


def labeled_examples(model: Model, task: Task, table: Table) -> Examples:
    """The rows to evaluate a model on.

    Raises:
        InputError: They don't suit the task. Where the model's outputs have no names and the
            labels have, the message has the likely names for its config.json.
    """
    try:
        return task.examples(table)
    except UnnamedOutputs as error:
        likely = likely_order(model, task, table)
        if likely is None:
            raise
        names = {str(index): name for index, name in enumerate(likely.labels)}
        raise InputError(
            f"{error}; {likely}; if you know the order, say so in its config.json: "
            f'"id2label": {json.dumps(names, ensure_ascii=False)}'
        ) from None
