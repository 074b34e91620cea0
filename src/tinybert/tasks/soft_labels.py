"""Soft labels that come with the rows: how likely an API, an ensemble or people find each label.

They stand in place of a teacher's predictions, and of labels where rows have none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError, short
from tinybert.data.table import Table
from tinybert.tasks.columns import number
from tinybert.tasks.labeled import LabeledTask
from tinybert.tasks.labels import some_names

LEAST = 1e-6
"""The probability that 0 is taken for, and 1 minus it: logits are finite. It is about what a sure
model's softmax gives."""

ROUNDING = 0.005
"""How far scores may be from what they were: they come rounded to two digits."""


@dataclass(frozen=True, kw_only=True)
class SoftlyLabeledTask(LabeledTask):
    """A task whose rows may come with a probability for each label.

    Attributes:
        exclusive: Whether one label is right, so that the probabilities of a row add up to 1; else
            each label is there or not.
        soft_labels: (label, column of its probabilities) pairs; empty where rows have none.
    """

    exclusive: ClassVar[bool]

    soft_labels: tuple[tuple[str, str], ...] = ()

    def with_soft_labels(self, columns: Mapping[str, str]) -> Self:
        """This task with the columns of probabilities, by label."""
        if len(columns) < 2:
            raise InputError(f"expected a column a label, two or more, got {len(columns)}")
        if any(not name.strip() for name in columns):
            raise InputError("a label has no name")
        return replace(self, soft_labels=tuple(columns.items()))

    @property
    def soft_names(self) -> tuple[str, ...]:
        """The labels that have a column."""
        return tuple(name for name, _ in self.soft_labels)

    def read_soft_labels(self, table: Table) -> NDArray[np.float32] | None:
        """How likely each label is for each row, (rows, outputs); None where no column is there.

        Raises:
            InputError: Some columns are there and others not, a label has none, or a cell is no
                probability; the message names the row.
        """
        if not any(column in table.columns for _, column in self.soft_labels):
            return None
        known = self.output_numbers()
        outputs = [
            self.output_of(name, known, column, table.source) for name, column in self.soft_labels
        ]
        if lacking := [name for at, name in enumerate(self.labels) if at not in outputs]:
            raise InputError(f"{table.source}: there are no soft labels for {some_names(lacking)}")
        found = np.zeros((len(table), len(self.labels)), np.float64)
        for output, (_, column) in zip(outputs, self.soft_labels, strict=True):
            found[:, output] = [probability(table, column, row) for row in range(len(table))]
        if not self.exclusive:
            return found.astype(np.float32)
        sums = found.sum(axis=1, keepdims=True)
        if (wrong := np.flatnonzero(np.abs(sums - 1) > ROUNDING * (len(self.labels) + 1))).size:
            row = int(wrong[0])
            raise InputError(
                f"{table.where(row)}: its soft labels add up to {sums[row, 0]:.4g}, not 1; of "
                "logits take the softmax first, of percent a hundredth; where several labels may "
                "be right, the task is multi-label-classification"
            )
        return (found / sums).astype(np.float32)

    def soft_logits(self, soft: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits of which the softmax, or the sigmoids, are these probabilities, (rows, outputs).

        Args:
            soft: As `read_soft_labels` gives them; what is not known is NaN, and stays so.
        """
        there = np.clip(soft.astype(np.float64), LEAST, 1 - LEAST)
        logits = np.log(there) if self.exclusive else np.log(there) - np.log1p(-there)
        if self.exclusive:
            logits -= logits.mean(axis=1, keepdims=True)  # as models have them, about 0
        return logits.astype(np.float32)


def probability(table: Table, column: str, row: int) -> float:
    """A cell that is a probability.

    Raises:
        InputError: It is none; the message names the row.
    """
    found = number(table, column, row)
    if abs(found - 0.5) > 0.5 + LEAST:
        raise InputError(
            f"{table.where(row)}: {short(column)} is {found:.9g}, no probability from 0 to 1; of "
            "logits take the softmax or the sigmoid first, of percent a hundredth"
        )
    return min(max(found, 0.0), 1.0)
