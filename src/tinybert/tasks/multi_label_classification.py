"""Any number of labels for a sentence or a pair of sentences: none, one or several."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError, short
from tinybert.data.table import Table
from tinybert.tasks.config import config_labels, is_classifier_of, saved_fields, saved_task
from tinybert.tasks.label_set_metrics import LABEL_SET_METRICS, f1_of_counts
from tinybert.tasks.label_sets import listed_labels, marked_labels
from tinybert.tasks.labeled import LabeledTask
from tinybert.tasks.labels import in_order, some_names
from tinybert.tasks.metrics import AGREEMENT
from tinybert.tasks.outputs import Outputs
from tinybert.tasks.soft_labels import SoftlyLabeledTask
from tinybert.tasks.task import Examples, Prediction, Task
from tinybert.tasks.thresholds import (
    DEFAULT,
    Goal,
    best_threshold,
    best_thresholds,
    is_probability,
    read_thresholds,
    sigmoid,
)

PROBLEM = "multi_label_classification"
"""What stock Transformers calls it in a config.json: sigmoids, and binary cross-entropy."""

BEST, BEST_PER_LABEL = "best", "best-per-label"

BAR = "|"
"""Between the labels of a row in a .csv or .tsv of predictions; `separator: "|"` reads them."""


@dataclass(frozen=True, kw_only=True)
class MultiLabelClassification(SoftlyLabeledTask):
    """Multi-label classification.

    Attributes:
        separator: What stands between the labels of a cell of text, as .csv and .tsv have them;
            None where cells are lists.
        columns: One column a label, with 0 or 1 in each cell, instead of the column `label`.
        threshold: The probability from which on a row has a label: a number for all labels;
            "best" or "best-per-label", which choose one for all or one a label on training rows,
            so that macro F1 is highest where that is the first metric, else micro F1; None is as
            the teacher has it, and 0.5 where it has none.
        thresholds: (labels,), those that were chosen for one model; empty until then.

    Raises:
        InputError: An option has an impossible value.

    Example:
        >>> rows = {"text": ["I love it!", "A chair."], "labels": [["joy", "love"], []]}
        >>> table = Table(rows, "train.jsonl")
        >>> task = MultiLabelClassification().fit(table)
        >>> task.labels, task.examples(table).labels.tolist()
        (('joy', 'love'), [[1.0, 1.0], [0.0, 0.0]])
        >>> task.decode(np.array([[0.0, 2.0]]))[0]["labels"]
        ['love', 'joy']
    """

    kind: ClassVar[str] = "multi-label-classification"
    head: ClassVar[str] = "AutoModelForSequenceClassification"
    options: ClassVar[tuple[str, ...]] = (*LabeledTask.options, "separator", "threshold")
    saved: ClassVar[tuple[str, ...]] = (*LabeledTask.saved, "separator", "columns", "threshold")
    scored_by: ClassVar[tuple[str, ...]] = tuple(LABEL_SET_METRICS)
    exclusive: ClassVar[bool] = False
    weighs_labels: ClassVar[bool] = True

    text: tuple[str, ...] = ("text",)
    label: str = "labels"
    metrics: tuple[str, ...] = tuple(each for each in LABEL_SET_METRICS if each != AGREEMENT)
    separator: str | None = None
    columns: tuple[str, ...] = ()
    threshold: float | str | None = None
    thresholds: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.columns and len(set(self.columns)) != len(self.columns):
            raise InputError("label: names a column twice")
        if self.columns and self.separator is not None:
            raise InputError("separator: columns of 0 and 1 have none; leave it out")
        if len(self.columns) == 1:
            raise InputError(
                f"label: one column of 0 and 1 are two classes: "
                f"`task: text-classification` with `label: {self.columns[0]}`"
            )

    def option_fields(self, name: str, value: Any) -> dict[str, Any]:
        """`label` may be one column, or a list of columns of 0 and 1; see the class for others."""
        if name == "label" and isinstance(value, list | tuple):
            if not value or not all(isinstance(column, str) for column in value):
                raise InputError(f"task: label: expected names of columns, got {short(value)}")
            return {"columns": tuple(value)}
        if name == "label":
            return {**super().option_fields(name, value), "columns": ()}
        if name == "separator":
            # None for lists, whatever the model learned from.
            if value is not None and not (isinstance(value, str) and value.strip()):
                raise InputError(
                    f'task: separator: expected text such as "|" or ",", got {short(value)}'
                )
            return {"separator": value}
        if name == "threshold":
            if value not in (BEST, BEST_PER_LABEL) and not is_probability(value):
                raise InputError(
                    f"task: threshold: expected a number from 0 to 1, {BEST!r} or "
                    f"{BEST_PER_LABEL!r}, got {short(value)}"
                )
            return {"threshold": value, "thresholds": ()}
        return super().option_fields(name, value)

    def fit(self, table: Table) -> "MultiLabelClassification":
        """This task with the labels that occur in these rows, unless it has labels already."""
        if self.labels:
            return self
        if self.soft_labels:
            return replace(self, labels=in_order({*self.soft_names}), ordered=False)
        if self.columns:
            self._named(table)
            return replace(self, labels=self.columns, ordered=False)
        names = {name for row in self._named(table) for name in row}
        if len(names) < 2:
            found = f"only {short(names.pop())}" if names else "none"
            raise InputError(
                f"{table.source}: of labels there is {found} in {short(self.label)}; expected two "
                "different ones or more"
            )
        return replace(self, labels=in_order(names), ordered=False)

    def for_model(self, model: Task) -> "MultiLabelClassification":
        """This task with a model's order of labels and, where it leaves them open, thresholds."""
        task = super().for_model(model)
        assert isinstance(task, MultiLabelClassification)
        assert isinstance(model, MultiLabelClassification)
        if task.threshold is None:
            return replace(task, threshold=model.threshold, thresholds=model.thresholds)
        return task.calibrated_as(model)

    def examples(self, table: Table, labeled: bool = True) -> Examples:
        """Texts, and (rows, labels) float32: 1 where a row has a label, else 0."""
        soft, labels = self.read_soft_labels(table), None
        there = all(name in table.columns for name in self.label_columns)
        if labeled and (soft is None or there):
            labels = self._label_sets(table)
        elif labeled and soft is not None:
            labels = (soft >= DEFAULT).astype(np.float32)
        return Examples(self.rows(table), labels, table.source, soft)

    @property
    def label_columns(self) -> tuple[str, ...]:
        """The column of lists, or a column a label."""
        return self.columns or (self.label,)

    def _label_sets(self, table: Table) -> NDArray[np.float32]:
        known = self.output_numbers()
        where = self.columns[0] if self.columns else self.label
        sets = np.zeros((len(table), len(self.labels)), np.float32)
        if self.columns:
            named = {self.output_of(name, known, where, table.source) for name in self.columns}
            if lacking := [name for at, name in enumerate(self.labels) if at not in named]:
                raise InputError(
                    f"{table.source}: `label` names no column for {some_names(lacking)}: whether "
                    "rows have a label without a column is not known"
                )
        for row, names in enumerate(self._named(table)):
            for name in names:
                output = self.output_of(name, known, where, table.where(row))
                if sets[row, output]:  # by its name and by its number
                    raise InputError(
                        f"{table.where(row)}: label {short(self.labels[output])} is more than once "
                        f"in {short(where)}"
                    )
                sets[row, output] = 1
        return sets

    def label_counts(self, labels: NDArray[Any]) -> dict[str, int]:
        """The rows that have each label."""
        return dict(zip(self.labels, labels.sum(0).astype(int).tolist(), strict=True))

    def _named(self, table: Table) -> list[list[str]]:
        if self.columns:
            return marked_labels(table, self.columns)
        return listed_labels(table, self.label, self.separator)

    def prior_logits(self, labels: NDArray[Any]) -> NDArray[np.float32]:
        """The log-odds of each label, with half a row more that has it, and half that lacks it.

        Example:
            >>> MultiLabelClassification(labels=("a", "b")).prior_logits(
            ...     np.array([[1, 0], [0, 0], [1, 0]])).round(2)
            array([ 0.51, -1.95], dtype=float32)
        """
        having, lacking = labels.sum(0) + 0.5, (1 - labels).sum(0) + 0.5
        return np.log(having / lacking).astype(np.float32)

    @property
    def cutoffs(self) -> NDArray[np.float64]:
        """The probability from which on a row has each label, (labels,)."""
        self.require_labels()
        if self.thresholds:
            return np.array(self.thresholds)
        given = DEFAULT if self.threshold is None or self.calibrates else self.threshold
        return np.full(len(self.labels), given, np.float64)

    @property
    def label_thresholds(self) -> dict[str, float]:
        """The cutoffs by label."""
        return dict(zip(self.labels, self.cutoffs.tolist(), strict=True))

    @property
    def calibrates(self) -> bool:
        """Whether thresholds are chosen on training rows."""
        return self.threshold in (BEST, BEST_PER_LABEL)

    def calibrate(self, outputs: Outputs, labels: NDArray[Any]) -> "MultiLabelClassification":
        """This task with the thresholds that are best for a model's outputs."""
        if not self.calibrates:
            return self
        scores = sigmoid(outputs.logits)
        goal: Goal = "macro_f1" if self.metric == "macro_f1" else "micro_f1"
        if self.threshold == BEST_PER_LABEL:
            chosen = best_thresholds(scores, labels, goal).tolist()
        else:
            chosen = [best_threshold(scores, labels, goal)] * len(self.labels)
        return replace(self, thresholds=tuple(chosen))

    def calibrated_as(self, model: Task) -> "MultiLabelClassification":
        """This task with a model's thresholds, where they were chosen as this task asks."""
        if not isinstance(model, MultiLabelClassification) or not self.calibrates:
            return self
        same = model.threshold == self.threshold and model.thresholds
        return replace(self, thresholds=model.thresholds) if same else self

    def model_config(self) -> dict[str, Any]:
        """What makes stock Transformers give sigmoids, and the thresholds one a label."""
        config = super().model_config()
        config["tinybert"]["task"]["thresholds"] = self.cutoffs.tolist()
        return {"problem_type": PROBLEM, **config}

    def decode(self, logits: NDArray[np.float32]) -> list[Prediction]:
        """The labels that reach their threshold, the surest first, and every label's score."""
        scores = sigmoid(logits)
        chosen = self._chosen(scores)
        predictions: list[Prediction] = []
        for row, own in zip(scores, chosen, strict=True):
            surest = [self.labels[at] for at in np.argsort(-row, kind="stable") if own[at]]
            by_label = dict(zip(self.labels, row.tolist(), strict=True))
            predictions.append({"labels": surest, "scores": by_label})
        return predictions

    def answers(self, logits: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which labels each row is given, (rows, labels)."""
        return self._chosen(sigmoid(logits))

    def _chosen(self, scores: NDArray[np.float64]) -> NDArray[np.bool_]:
        return scores >= self.cutoffs

    def agrees(
        self, logits: NDArray[np.float32], expected: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """Whether two models give a row the same labels, all of them, (rows,)."""
        return (self.answers(logits) == self.answers(expected)).all(axis=1)

    def tally(self, outputs: Outputs, labels: NDArray[Any]) -> NDArray[np.float32]:
        """Logits, which rank labels as scores do, answers and labels, (rows, 3, labels)."""
        logits = outputs.logits
        return np.stack([logits, self.answers(logits), labels], axis=1, dtype=np.float32)

    def measure(self, metric: str, tally: NDArray[Any]) -> float:
        """A metric of some rows: LRAP is one of ranks, all others are of answers."""
        side = 0 if metric == "lrap" else 1
        return LABEL_SET_METRICS[metric](tally[:, side], tally[:, 2])

    def guesses(self, examples: Examples) -> Iterator[Outputs]:
        """Labels ranked by their rows, and of them the sets that are best for each metric."""
        labels = examples.labels
        assert labels is not None, "there is nothing to guess"
        counts = labels.sum(axis=0)
        order = np.argsort(-counts, kind="stable")
        rank = np.argsort(order, kind="stable")
        chosen = len(labels) * np.arange(1, len(counts) + 1)
        frequent = rank <= f1_of_counts(counts[order].cumsum(), chosen, counts.sum()).argmax()
        sets, rows = np.unique(labels.astype(bool), axis=0, return_counts=True)
        for own in (frequent, np.ones_like(frequent), sets[rows.argmax()]):
            row = (np.where(own, 20.0, -20.0) - rank / len(rank)).astype(np.float32)
            yield Outputs({"logits": np.tile(row, (len(labels), 1))})

    def cells(self, prediction: Prediction, number: int) -> list[dict[str, Any]]:
        """The labels, and their scores, with a bar between.

        Raises:
            InputError: A label has a bar in it, so that nobody could part them again.
        """
        labels, scores = prediction["labels"], prediction["scores"]
        if barred := [label for label in labels if BAR in label]:
            raise InputError(f"label {short(barred[0])} has a {BAR!r} in it; write .jsonl")
        return [
            {
                "labels": BAR.join(labels),
                "scores": BAR.join(f"{scores[label]:.4f}" for label in labels),
            }
        ]

    def line(self, prediction: Prediction) -> str:
        """The labels with their scores, the surest first; a dash for none."""
        scores = prediction["scores"]
        return ", ".join(f"{label} {scores[label]:.2f}" for label in prediction["labels"]) or "-"

    @classmethod
    def from_model_config(cls, config: Mapping[str, Any]) -> "MultiLabelClassification | None":
        """The task of a sequence classifier of that problem type, ours or another's."""
        if not is_classifier_of(config, cls.kind) or config.get("problem_type") != PROBLEM:
            return None
        labels = config_labels(config)
        if len(labels) < 2:
            return None
        saved = saved_task(config)
        task = cls(labels=labels, **saved_fields(config, LabeledTask.saved))
        for name in ("separator", "threshold"):
            if saved.get(name) is not None:
                task = replace(task, **task.option_fields(name, saved[name]))
        if columns := saved.get("columns"):
            task = replace(task, **task.option_fields("label", columns))
        if task.calibrates:
            task = replace(task, thresholds=read_thresholds(saved, len(labels)))
        return task
