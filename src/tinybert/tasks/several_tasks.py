"""Several tasks that one model does at once: an encoder, and a head with the outputs of all.

The outputs of the tasks lie side by side, so that a model of them is a sequence classifier as any
other, which later steps and files need not know more of.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError, short
from tinybert.data.table import Table
from tinybert.tasks.config import saved_task
from tinybert.tasks.metrics import LOWER_IS_BETTER
from tinybert.tasks.multi_label_classification import MultiLabelClassification
from tinybert.tasks.outputs import Arrays, Outputs, logits_of
from tinybert.tasks.part import Part, output_names
from tinybert.tasks.task import Examples, Prediction, Task
from tinybert.tasks.text_classification import TextClassification
from tinybert.tasks.text_regression import TextRegression

MEAN = "mean"
"""The mean over tasks of the first metric of each."""

ALLOWED: tuple[type[Task], ...] = (TextClassification, TextRegression, MultiLabelClassification)
"""Kinds that read a row once and answer it once, by numbers of a sequence classifier's head."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")


@dataclass(frozen=True, kw_only=True)
class SeveralTasks(Task):
    """Several tasks on one encoder.

    Each has rows, labels and metrics of its own, under its name. It is learned from a teacher for
    each, all of which answer all training rows, so that no row needs labels. Labels of evaluation
    rows are (rows, 1 + most labels of a row): the number of the task that the row is of, its label
    or labels, and NaN.

    Attributes:
        tasks: In the order of their outputs; empty until it is known which.

    Raises:
        InputError: There is one task only, or one that can't be done beside others.

    Example:
        >>> task = SeveralTasks.of([
        ...     Part("sentiment", TextClassification(labels=("bad", "good"))),
        ...     Part("stars", TextRegression(label="stars"))])
        >>> task.metrics
        ('mean', 'sentiment.accuracy', 'stars.spearman', 'stars.pearson')
        >>> task.decode(np.array([[0.0, 2.0, 4.5]], np.float32))[0]["stars"]
        {'value': 4.5}
    """

    kind: ClassVar[str] = "several-tasks"
    head: ClassVar[str] = "AutoModelForSequenceClassification"
    options: ClassVar[tuple[str, ...]] = ("tasks",)
    scored_by: ClassVar[tuple[str, ...]] = (MEAN,)
    learns_labels: ClassVar[bool] = False
    of_parts: ClassVar[bool] = True

    metrics: tuple[str, ...] = (MEAN,)
    tasks: tuple[Part, ...] = ()

    @classmethod
    def of(cls, parts: Sequence[Part]) -> Self:
        """Some tasks on one encoder."""
        return cls(**_fields(parts))

    def __post_init__(self) -> None:
        if len(self.tasks) == 1:
            raise InputError(f"tasks: only {short(self.tasks[0].name)}; expected two or more")
        for part in self.tasks:
            _check(part)
        pairs = [part.task.joins_pairs for part in self.tasks]
        if len({*pairs}) > 1:
            one, two = (self.tasks[pairs.index(each)].name for each in (False, True))
            raise InputError(
                f"tasks: {one} reads one text and {two} pairs of texts, and one model reads either"
            )

    @property
    def parts(self) -> tuple[Part, ...]:
        """The tasks, in the order of their outputs."""
        return self.tasks

    def option_fields(self, name: str, value: Any) -> dict[str, Any]:
        """`tasks` maps names to tasks as a recipe has one, and `weight`, that of its loss."""
        if not isinstance(value, Mapping) or not value:
            raise InputError(
                "task: tasks: expected a mapping of names to tasks, such as "
                f"{{sentiment: {{kind: glue/sst-2}}}}, got {short(value)}"
            )
        for each in value:
            if not isinstance(each, str):  # YAML takes yes, no, on and off for true and false
                raise InputError(f"task: tasks: {short(each)} is no text; write the name in quotes")
        return _fields([_read_part(each, spec) for each, spec in value.items()])

    def with_tasks(self, tasks: Sequence[Task]) -> Self:
        """The same with other tasks in place of these, under their names."""
        pairs = zip(self.tasks, tasks, strict=True)
        return self.of([replace(part, task=task) for part, task in pairs])

    def for_model(self, model: Task) -> Self:
        """Its tasks with the labels of a model in its order, if it does these tasks."""
        super().for_model(model)
        assert isinstance(model, SeveralTasks)
        names, theirs = ([part.name for part in each.tasks] for each in (self, model))
        if names != theirs:
            raise InputError(f"the model does {', '.join(theirs)}, the tasks are {self.names}")
        pairs = zip(self.tasks, model.tasks, strict=True)
        return self.with_tasks([one.task.for_model(other.task) for one, other in pairs])

    @property
    def names(self) -> str:
        """The names of the tasks, in words."""
        return ", ".join(part.name for part in self.tasks)

    @property
    def outputs(self) -> list[tuple[Part, slice]]:
        """Each task and which of the model's outputs are its."""
        ends = np.cumsum([part.task.width for part in self.tasks]).tolist()
        starts = [0, *ends[:-1]]
        return [
            (part, slice(start, end))
            for part, start, end in zip(self.tasks, starts, ends, strict=True)
        ]

    @property
    def joins_pairs(self) -> bool:
        """As each of the tasks does."""
        return self.tasks[0].task.joins_pairs

    def text_columns(self, table: Table) -> tuple[str, ...]:
        """The text columns of the first task whose columns a table has."""
        all_ = [part.task.text_columns(table) for part in self.tasks]
        return next((each for each in all_ if {*each} <= {*table.columns}), all_[0])

    def examples(self, table: Table, labeled: bool = True) -> Examples:
        """Texts alone: what is right is that of one of the tasks."""
        if labeled:
            raise InputError(f"{table.source}: of which task are these rows? Name it: {self.names}")
        return Examples(self.rows(table), None, table.source)

    def join(self, rows: Sequence[Examples]) -> Examples:
        """The rows of all tasks, end to end; with labels where all have them.

        Args:
            rows: Of each task, in order.

        Example:
            >>> task = SeveralTasks.of([
            ...     Part("sentiment", TextClassification(labels=("bad", "good"))),
            ...     Part("stars", TextRegression(label="stars"))])
            >>> task.join([Examples.of_texts(["fine"], np.array([1]), "a.tsv"),
            ...     Examples.of_texts(["dull"], np.array([2.5]), "b.tsv")]).labels
            array([[0. , 1. ],
                   [1. , 2.5]])
        """
        labels = None
        if all(each.labels is not None for each in rows):
            labels = _stacked([np.asarray(each.labels) for each in rows])
        sources = dict.fromkeys(each.source for each in rows)
        return Examples([row for each in rows for row in each.rows], labels, ", ".join(sources))

    def logits(self, arrays: Arrays) -> NDArray[np.float32]:
        """The outputs of all tasks side by side, which files give one by one."""
        names = output_names(part.name for part in self.tasks)
        lacking = [name for name in names if name not in arrays]
        if lacking and "logits" not in arrays:
            raise InputError(f"the file has no output {', '.join(lacking)}")
        return logits_of(arrays, names)

    def model_config(self) -> dict[str, Any]:
        """Outputs are numbers to stock Transformers, named by task and label.

        What each task says of a model is kept in a list: Transformers sorts keys, and the order of
        tasks is that of the outputs.
        """
        if not self.tasks:
            raise ValueError("no tasks are named yet")
        names = [
            f"{part.name}.{label}"
            for part in self.tasks
            for label in part.task.model_config()["id2label"].values()
        ]
        saved = {
            "kind": self.kind,
            "text": self.tasks[0].task.text,
            "tasks": [part.as_config() for part in self.tasks],
        }
        return {
            "id2label": dict(enumerate(names)),
            "label2id": {name: number for number, name in enumerate(names)},
            "problem_type": "regression",  # so that pipelines give the outputs as they are
            "tinybert": {"task": saved},
        }

    def decode(self, logits: NDArray[np.float32]) -> list[Prediction]:
        """The prediction of each task, by its name."""
        each = {part.name: part.task.decode(logits[:, own]) for part, own in self.outputs}
        return [{name: rows[at] for name, rows in each.items()} for at in range(len(logits))]

    def cells(self, prediction: Prediction, number: int) -> list[dict[str, Any]]:
        """The cells of each task, under its name."""
        return [
            {
                f"{part.name}.{name}": cell
                for part in self.tasks
                for name, cell in part.task.cells(prediction[part.name], number)[0].items()
            }
        ]

    def line(self, prediction: Prediction) -> str:
        """The line of each task behind its name."""
        lines = [f"{part.name}\t{part.task.line(prediction[part.name])}" for part in self.tasks]
        return "\t".join(lines)

    def answers(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """The answers of the tasks side by side, (rows, answers)."""
        each = [part.task.answers(logits[:, own]) for part, own in self.outputs]
        return np.concatenate([found.reshape(len(logits), -1) for found in each], axis=1)

    def agrees(
        self, logits: NDArray[np.float32], expected: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """Whether two models answer a row alike in all tasks, (rows,)."""
        return np.all(
            [part.task.agrees(logits[:, own], expected[:, own]) for part, own in self.outputs],
            axis=0,
        )

    def tally(self, outputs: Outputs, labels: NDArray[Any]) -> NDArray[np.float64]:
        """The number of the task that a row is of, and its tally there, (rows, 1 + most)."""
        tallies = []
        for number, (part, own) in enumerate(self.outputs):
            at = labels[:, 0] == number
            found = Outputs({"logits": outputs.logits[at, own]})
            tallies.append(part.task.tally(found, _labels_of(part.task, labels[at])))
        joined = _stacked(tallies)
        order = np.argsort(labels[:, 0], kind="stable")  # rows may be mixed
        rows = np.empty_like(joined)
        rows[order] = joined
        return rows

    def measure(self, metric: str, tally: NDArray[Any]) -> float:
        """A metric of one task's rows, or the mean of all tasks' first ones."""
        found = [
            self._measure(number, name, tally)
            for number, part in enumerate(self.tasks)
            for name in part.task.metrics
            if metric == f"{part.name}.{name}" or (metric == MEAN and name == part.task.metric)
        ]
        known = [value for value in found if value is not None]  # rows drawn anew may lack a task
        return float(np.mean(known)) if known else 0.0

    def _measure(self, number: int, metric: str, tally: NDArray[Any]) -> float | None:
        task, own = self.tasks[number].task, tally[tally[:, 0] == number, 1:]
        if not len(own):
            return None
        sides = 3 if isinstance(task, MultiLabelClassification) else 2
        count = task.width if sides == 3 else 1
        own = own[:, : sides * count]
        return task.measure(metric, own.reshape(len(own), sides, count) if sides == 3 else own)

    def guesses(self, examples: Examples) -> Iterator[Outputs]:
        """The answer of each task that is best for all its rows alike."""
        assert examples.labels is not None, "there is nothing to guess"
        rows = np.zeros((len(examples), self.width), np.float32)
        for number, (part, own) in enumerate(self.outputs):
            task, at = part.task, examples.labels[:, 0] == number
            labels = _labels_of(task, examples.labels[at])
            if len(labels):
                some = Examples([{}] * len(labels), labels, examples.source)
                best = max(
                    (guess for guess in task.guesses(some)),
                    key=lambda guess: task.measure(task.metric, task.tally(guess, labels)),
                )
                rows[:, own] = best.logits[0]
        yield Outputs({"logits": rows})

    @classmethod
    def from_model_config(cls, config: Mapping[str, Any]) -> "SeveralTasks | None":
        """The tasks of a model that we made."""
        saved = saved_task(config)
        if saved.get("kind") != cls.kind:
            return None
        listed = saved.get("tasks")
        if not isinstance(listed, list | tuple) or not listed:
            raise InputError('config.json: "tinybert": "task": "tasks" is damaged')
        found = cls.of([Part.from_config(each, ALLOWED) for each in listed])
        ours = {str(at): name for at, name in found.model_config()["id2label"].items()}
        theirs = {str(at): name for at, name in dict(config.get("id2label") or {}).items()}
        if len({part.name for part in found.tasks}) < len(listed) or ours != theirs:
            raise InputError(
                'config.json: "tinybert": "task": "tasks" and "id2label" contradict each other'
            )
        return found


def _fields(parts: Sequence[Part]) -> dict[str, Any]:
    """What several tasks have together, by those of each."""
    metrics = [f"{part.name}.{metric}" for part in parts for metric in part.task.metrics]
    text = parts[0].task.text if parts else Task.text
    return {"tasks": tuple(parts), "metrics": (MEAN, *metrics), "text": text}


def _read_part(name: str, spec: Any) -> Part:
    """A task as a recipe has it among others."""
    from tinybert.tasks.registry import get_task

    given = {"kind": spec} if isinstance(spec, str) else spec
    if not isinstance(given, Mapping):
        raise InputError(f"task: tasks: {name}: expected a task, got {short(spec)}")
    given = dict(given)
    weight = given.pop("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < 1e9:
        raise InputError(f"task: tasks: {name}: weight: expected a number above 0")
    try:
        return Part(name, get_task(given), float(weight))
    except InputError as error:
        raise InputError(f"task: tasks: {name}: {str(error).removeprefix('task: ')}") from None


def _check(part: Part) -> None:
    """Refuses what can't be done beside other tasks."""
    if not _NAME.fullmatch(part.name):
        raise InputError(
            f"tasks: {short(part.name)}: a name begins with a letter and has letters, digits, - "
            "and _ alone, 40 at most"
        )
    if not isinstance(part.task, ALLOWED):
        raise InputError(
            f"tasks: {part.name}: {part.task.kind} can't be done beside others; what can: "
            f"{', '.join(kind.kind for kind in ALLOWED)}"
        )
    if part.task.metric in LOWER_IS_BETTER:
        raise InputError(
            f"tasks: {part.name}: metrics: of {part.task.metric} lower is better, and the mean of "
            "all tasks is one of metrics of which more is; put another first"
        )


def _stacked(parts: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    """Arrays of the rows of each task as one, (rows, 1 + most): the number of the task first."""
    flat = [each.reshape(len(each), int(np.prod(each.shape[1:]))) for each in parts]
    found = np.full((sum(map(len, flat)), 1 + max(each.shape[1] for each in flat)), np.nan)
    start = 0
    for number, each in enumerate(flat):
        own = slice(start, start + len(each))
        found[own, 0] = number
        found[own, 1 : 1 + each.shape[1]] = each
        start += len(each)
    return found


def _labels_of(task: Task, labels: NDArray[Any]) -> NDArray[Any]:
    """The labels of a task's rows as the task has them."""
    if isinstance(task, MultiLabelClassification):
        return labels[:, 1 : 1 + task.width].astype(np.float32)
    return labels[:, 1].astype(np.int64 if isinstance(task, TextClassification) else np.float32)
