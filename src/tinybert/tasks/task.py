"""The interface that every task adapter fills in.

A task owns the way from a table to predictions: which columns make a row, which inputs of the
model a row becomes and which positions of its outputs count, how two outputs compare, what they
predict and how they are scored. It imports no torch, so that the runtime of a compressed model can
use it.

What this class does itself is right for a head that reads the first position and answers each row
once; a subclass for such a head fills in `examples`, `decode` and `answers` alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError, short
from tinybert.data.layout import GLUE_LAYOUT, Layout
from tinybert.data.table import Table
from tinybert.tasks.columns import rows
from tinybert.tasks.metrics import AGREEMENT, LOWER_IS_BETTER, METRICS
from tinybert.tasks.outputs import Arrays, Inputs, Outputs
from tinybert.tasks.rows import Examples, Row, Text, as_row, row_text, text_parts

if TYPE_CHECKING:
    from tokenizers import Encoding

    from tinybert.tasks.part import Part

__all__ = ["Examples", "Prediction", "Row", "Task", "Text", "text_parts"]

Prediction = dict[str, Any]
"""One entry of `predict --json`, such as {"label", "score", "scores"} or {"value"}."""


class Predictor(Protocol):
    """A model, as a task asks it."""

    def outputs(self, rows: Sequence[Row], batch_size: int) -> Outputs:
        """What it gives for rows."""
        ...

    def write(self, texts: Sequence[str]) -> Sequence[str]:
        """How texts go on, of a model that writes."""
        ...


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """A kind of task with the column names, label names and metrics of one data set.

    Attributes:
        kind: The name in recipes and in report.json, such as "text-classification".
        head: The `transformers` auto class that has this task's head.
        options: The fields that a recipe may set.
        saved: The fields that a model's config.json keeps under "tinybert".
        scored_by: The metrics that this kind can have.
        reads: The positions of the last layer that the head reads: the first, the last real one,
            the mean of all or a part of them, or all of them, each of which it answers.
        gives: The names of the model's outputs that the task needs.
        learns_labels: Whether steps can learn it from the labels of rows.
        of_encoders: Whether it is what bare encoders do, so that rows with labels ask for another.
        learns_from_texts: Whether texts that were made or changed can be rows to learn from.
        words_may_change: Whether else words of its rows may be replaced where they stand:
            `answered` says which must not, and `moved` where labels point then.
        writes: Whether models of it write texts.
        keeps_answers: Whether what a teacher gives for all rows is small enough to be kept.
        one_label: Whether a row has one label by its name, so that a rule can give it another.
        of_parts: Whether it is several tasks, see `parts`.
        weighs_labels: Whether its loss is one of labels by name, each of which may have a weight.
        pipeline_tag: What the Hub calls such models.
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
    reads: ClassVar[Literal["first", "last", "mean", "all"]] = "first"
    gives: ClassVar[tuple[str, ...]] = ("logits",)
    learns_labels: ClassVar[bool] = True
    of_encoders: ClassVar[bool] = False
    learns_from_texts: ClassVar[bool] = True
    words_may_change: ClassVar[bool] = False
    writes: ClassVar[bool] = False
    keeps_answers: ClassVar[bool] = True
    one_label: ClassVar[bool] = False
    of_parts: ClassVar[bool] = False
    weighs_labels: ClassVar[bool] = False
    pipeline_tag: ClassVar[str] = "text-classification"

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

    @property
    def parts(self) -> "tuple[Part, ...]":
        """The tasks that are done at once, each with rows and a teacher of its own: of one none."""
        return ()

    @property
    def higher_is_better(self) -> bool:
        """Whether a model with more of `metric` is the better one."""
        return self.metric not in LOWER_IS_BETTER

    @property
    def label_thresholds(self) -> dict[str, float]:
        """The probability from which on a row has a label; empty where that is no question."""
        return {}

    def option_fields(self, name: str, value: Any) -> dict[str, Any]:
        """The fields that an option of a recipe sets, a text or a tuple of texts.

        Args:
            name: One of `options`.
            value: As the recipe has it.

        Raises:
            InputError: It is of the wrong kind.

        Example:
            >>> from tinybert.tasks import get_task
            >>> get_task("text-regression").option_fields("text", ["a", "b"])
            {'text': ('a', 'b')}
        """
        if name == "metrics" and AGREEMENT in (value, *(value if isinstance(value, list) else ())):
            raise InputError(
                f"task: metrics: {AGREEMENT} is what rows without labels are scored by, and no "
                "other are"
            )
        if isinstance(getattr(self, name), str):
            if isinstance(value, str):
                return {name: value}
            what = "the name of a column" if name == "label" else "text"
            raise InputError(f"task: {name}: expected {what}, got {short(value)}")
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list | tuple) or not all(
            isinstance(item, str) or (name in ("labels", "columns") and type(item) is int)
            for item in values
        ):
            raise InputError(f"task: {name}: expected text or a list of texts, got {short(value)}")
        return {name: tuple(str(item) for item in values)}

    def prior_logits(self, labels: NDArray[Any]) -> NDArray[np.float32] | None:
        """The outputs that a model should have for a row it knows nothing of, (outputs,).

        Args:
            labels: Of the training rows, as `examples` gives them.

        Returns:
            None where 0 for each is as good.
        """
        return None

    def label_counts(self, labels: NDArray[Any]) -> dict[str, int]:
        """How many rows have each label, or how many entities; empty where they have no names.

        Args:
            labels: Of rows, as `examples` gives them.
        """
        return {}

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

    @property
    def label_columns(self) -> tuple[str, ...]:
        """The columns that say what is right."""
        return (self.label,)

    def with_soft_labels(self, columns: Mapping[str, str]) -> "Task":
        """This task with columns that say how likely each label is.

        Args:
            columns: By label.

        Raises:
            InputError: Its rows have no such labels.
        """
        raise InputError(
            f"{self.kind} has none; text-classification and multi-label-classification have"
        )

    def soft_logits(self, soft: NDArray[np.float32]) -> NDArray[np.float32]:
        """What a model would have given for rows with these soft labels, (rows, outputs).

        Args:
            soft: As `examples` gives them.
        """
        raise NotImplementedError

    def text_columns(self, table: Table) -> tuple[str, ...]:
        """The columns of a table that rows are made of."""
        return self.text

    def together(self, table: Table) -> tuple[str, ...]:
        """The columns whose rows, where these are the same, are held out together or not at all."""
        return self.text_columns(table)

    def is_unlabeled(self, table: Table) -> bool:
        """Whether a table holds texts and nothing else, as it does where nobody labeled them."""
        return {*table.columns} == {*self.text_columns(table)}

    def as_teacher(self) -> "Task":
        """This task with the metrics of rows whose labels are the teacher's answers."""
        if AGREEMENT not in self.scored_by:
            return self
        return replace(self, metrics=(AGREEMENT,))

    def rows(self, table: Table) -> Sequence[Row]:
        """The inputs that a table holds, whether or not it has labels.

        Raises:
            InputError: A column is missing, or a text is empty.
        """
        return rows(table, self.text_columns(table))

    @abstractmethod
    def examples(self, table: Table, labeled: bool = True) -> Examples:
        """Picks this task's columns out of a table.

        Args:
            table: The rows.
            labeled: Whether to read the labels; without, the label column may be absent.

        Raises:
            InputError: A column is missing, a text is empty, a label is unknown.
        """

    def answered(self, row: Row, label: Any) -> Sequence[tuple[int, int]]:
        """Where in its text the label of a row points at, which must stay as it is: nowhere here.

        Args:
            row: As `rows` gives it.
            label: As `examples` gives it.
        """
        return ()

    def moved(self, cells: dict[str, Any], place: Callable[[int], int]) -> dict[str, Any]:
        """A row of a table after other words of its text were replaced: here as it was.

        Args:
            cells: By the names of their columns.
            place: Where a character of the text before stands now.
        """
        return cells

    def learned(self, examples: Examples) -> Examples:
        """Training rows as models learn from them: as they are."""
        return examples

    @property
    def joins_pairs(self) -> bool:
        """Whether the model reads the two texts of a row as one input."""
        return len(self.text) == 2

    @property
    def width(self) -> int:
        """The number of the model's outputs for each row or position."""
        return len(self.model_config()["id2label"])

    def as_row(self, given: Text | Row | list[str]) -> Row:
        """The row that stands for what a user gives.

        Raises:
            InputError: It is a mapping without what the task reads.
        """
        return as_row(given, of_words=self.reads == "all")

    def texts(self, row: Row) -> list[Text]:
        """What a tokenizer reads of a row, a text for each of the model's inputs: here one."""
        return [row_text(row)]

    def overlap(self, max_length: int) -> int | None:
        """How many tokens neighbouring windows of a long row share; None where it is cut instead.

        Args:
            max_length: Tokens that the model takes.
        """
        return None

    def inputs(self, rows: Sequence[Row], encodings: "Sequence[Encoding]") -> Inputs:
        """What the model is run on: here each row as far as it fits.

        Args:
            rows: The rows.
            encodings: The tokens of each; what did not fit is in its `overflowing`.
        """
        return Inputs(encodings)

    def logits(self, arrays: Arrays) -> NDArray[np.float32]:
        """What counts of a model's outputs: those called logits, or its only one."""
        return arrays["logits"] if "logits" in arrays else next(iter(arrays.values()))

    def reduced(self, arrays: Arrays, ids: NDArray[np.int64]) -> Arrays:
        """What is kept of a batch's outputs: here all of them.

        Args:
            arrays: (batch, ...) each, or (batch, length, ...) of a head that reads all positions.
            ids: (batch, length), the tokens that the model was given.
        """
        return arrays

    def targets(self, inputs: Inputs, labels: NDArray[Any]) -> NDArray[Any]:
        """What the head should answer at each position, (positions,).

        Args:
            inputs: What rows became.
            labels: Of the rows, as `examples` gives them.
        """
        return labels

    def must_read_labels(self, table: Table) -> bool:
        """Whether training rows need labels, or those that they have must be right, anyway.

        Args:
            table: The training rows.
        """
        return self.calibrates

    @property
    def calibrates(self) -> bool:
        """Whether `calibrate` learns anything."""
        return False

    def calibrate(self, outputs: Outputs, labels: NDArray[Any]) -> "Task":
        """This task with what is chosen by a model's outputs for training rows: thresholds.

        Args:
            outputs: Of the model.
            labels: What is right.
        """
        return self

    def calibrated_as(self, model: "Task") -> "Task":
        """This task with what was chosen by a model's outputs.

        Args:
            model: The task that the model's config.json describes.
        """
        return self

    def model_config(self) -> dict[str, Any]:
        """What a model's config.json says about this task: `id2label`, `problem_type`, ...

        The key "tinybert" holds what stock Transformers has no key for.
        """
        fields = {name: getattr(self, name) for name in self.saved}
        return {"tinybert": {"task": {"kind": self.kind, **fields}}}

    @abstractmethod
    def decode(self, logits: NDArray[np.float32]) -> list[Prediction]:
        """Turns logits, (rows, outputs), into one prediction a row."""

    def predict(self, model: "Predictor", rows: Sequence[Row], batch_size: int) -> list[Prediction]:
        """What a model says of each row.

        Args:
            model: Of this task.
            rows: As `as_row` gives them.
            batch_size: Inputs that run at once.
        """
        return self.predictions(rows, model.outputs(rows, batch_size))

    def predictions(self, rows: Sequence[Row], outputs: Outputs) -> list[Prediction]:
        """What the outputs say of each row."""
        return self.decode(outputs.logits)

    def cells(self, prediction: Prediction, number: int) -> list[dict[str, Any]]:
        """The rows of a table that a prediction becomes: one here, with what fits in cells.

        Args:
            prediction: Of one text.
            number: Of the text, from 1.
        """
        return [{name: value for name, value in prediction.items() if not isinstance(value, dict)}]

    def line(self, prediction: Prediction) -> str:
        """A prediction as the program prints it, without a line end."""
        cells = self.cells(prediction, 1)[0].values()
        return "\t".join(f"{cell:.4f}" if isinstance(cell, float) else str(cell) for cell in cells)

    @abstractmethod
    def answers(self, logits: NDArray[np.float32]) -> NDArray[Any]:
        """The hard predictions that metrics and agreement compare, (positions,)."""

    def agrees(
        self, logits: NDArray[np.float32], expected: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """Whether two models predict the same, position by position, (positions,).

        Args:
            logits: Of one model, (positions, outputs).
            expected: Of the model that it should be as.
        """
        return np.equal(self.answers(logits), self.answers(expected))

    def agreement(self, outputs: Outputs, expected: Outputs) -> NDArray[Any]:
        """How many answers of each row are those of another model, and how many there are.

        Args:
            outputs: Of one model.
            expected: Of the model that it should be as, for the same rows.

        Returns:
            (rows, 2).
        """
        agrees = self.agrees(outputs.logits, expected.logits)
        return np.stack([outputs.row_sums(each) for each in (agrees, np.ones(len(agrees)))], axis=1)

    def compared(self, outputs: Outputs) -> NDArray[np.float32]:
        """What of two models' outputs tells how far they are apart, (positions, outputs)."""
        return outputs.logits

    def as_counted(self, answers: NDArray[Any]) -> NDArray[Any]:
        """Answers or labels, (rows,), as metrics count them: f1, for one, is that of class 1."""
        return answers

    def tally(self, outputs: Outputs, labels: NDArray[Any]) -> NDArray[Any]:
        """What metrics are computed of, an entry a row, so that rows can be drawn anew.

        Args:
            outputs: Of the rows.
            labels: Of the rows, as `examples` gives them.

        Returns:
            (rows, 2), answers and labels.
        """
        sides = self.answers(outputs.logits), labels
        return np.stack([self.as_counted(side) for side in sides], axis=1)

    def measure(self, metric: str, tally: NDArray[Any]) -> float:
        """A metric of some rows.

        Args:
            metric: One of `scored_by`.
            tally: Entries of what `tally` gives.
        """
        return METRICS[metric](tally[:, 0], tally[:, 1])

    def score(self, outputs: Outputs, labels: NDArray[Any]) -> dict[str, float]:
        """Every metric of `metrics` on these rows."""
        tally = self.tally(outputs, labels)
        return {metric: self.measure(metric, tally) for metric in self.metrics}

    def guesses(self, examples: Examples) -> Iterator[Outputs]:
        """What models would give that answer all alike: what a trained one must be better than."""
        outputs = self.width
        # The logits of always choosing one class; of a regression, of always saying 1.
        for row in np.eye(outputs, dtype=np.float32):
            yield Outputs({"logits": np.tile(row, (len(examples), 1))})

    @classmethod
    @abstractmethod
    def from_model_config(cls, config: Mapping[str, Any]) -> "Task | None":
        """The task that a config.json describes; None where this kind is another's."""
