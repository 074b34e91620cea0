"""What a recipe says of each of several tasks: its teacher and its rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinybert.base.errors import InputError, placed, short
from tinybert.data import has_splits, read
from tinybert.data.hold_out import hold_out, share_of
from tinybert.data.table import Table
from tinybert.modeling.hub import find_folder
from tinybert.modeling.load import check_tables, known_task, load_model, load_tokenizer, why_no_task
from tinybert.recipe.recipe import Recipe
from tinybert.runtime.config import max_positions, read_config, require_positions
from tinybert.tasks import get_task
from tinybert.tasks.multi_label_classification import MultiLabelClassification
from tinybert.tasks.pairs import texts_per_input
from tinybert.tasks.part import Part
from tinybert.tasks.several_tasks import SeveralTasks
from tinybert.tasks.task import Examples, Task

TEACHER, TRAIN, EVAL = OF_PART = ("teacher", "train", "eval")
"""What a task has among others in a recipe beside what its kind takes."""

_ELSEWHERE = ("train", "eval", "text", "label", "soft_labels")
"""Keys of `data` that each of several tasks has for itself."""


@dataclass(frozen=True)
class Several:
    """Several tasks of a recipe, read.

    Attributes:
        task: All of them, with the labels of their teachers.
        teachers: The folder of each one's teacher.
        train: The training rows of all, without labels.
        eval: The evaluation rows of all.
    """

    task: SeveralTasks
    teachers: tuple[Path, ...]
    train: Examples
    eval: Examples


def several_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A task of a recipe without what is said there of teachers and rows.

    Example:
        >>> several_spec({"kind": "several-tasks", "tasks": {
        ...     "sentiment": {"kind": "glue/sst-2", "teacher": "sst2", "train": "SST-2"}}})
        {'kind': 'several-tasks', 'tasks': {'sentiment': {'kind': 'glue/sst-2'}}}
    """
    tasks = spec.get("tasks")
    if spec.get("kind") != SeveralTasks.kind or not isinstance(tasks, Mapping):
        return dict(spec)
    plain = {
        name: {key: value for key, value in own.items() if key not in OF_PART}
        if isinstance(own, Mapping)
        else own
        for name, own in tasks.items()
    }
    return {**spec, "tasks": plain}


def named_by_parts(spec: Any) -> dict[str, dict[str, Any]]:
    """The teachers and rows that a recipe's task names, of each of several tasks; else nothing.

    Example:
        >>> named_by_parts({"kind": "several-tasks", "tasks": {
        ...     "sentiment": {"kind": "glue/sst-2", "teacher": "sst2", "train": "SST-2"}}})
        {'sentiment': {'teacher': 'sst2', 'train': 'SST-2'}}
    """
    tasks = spec.get("tasks") if isinstance(spec, Mapping) else None
    return {
        str(name): {key: value for key, value in own.items() if key in OF_PART}
        for name, own in (tasks.items() if isinstance(tasks, Mapping) else ())
        if isinstance(own, Mapping)
    }


def read_several(recipe: Recipe, task: Task) -> Several:
    """Reads the teachers and the rows of several tasks.

    Args:
        recipe: That names them.
        task: Its task.

    Raises:
        InputError: Something is missing, broken, or can't go together, with the line in the recipe.
    """
    _check_recipe(recipe)
    assert isinstance(task, SeveralTasks)
    assert isinstance(recipe.task, Mapping), "`get_task` has seen it"
    specs = recipe.task["tasks"]
    parts = []
    for part in task.tasks:
        with recipe.placed("task", "tasks", part.name):
            spec = specs[part.name]
            parts.append(_read_part(part, {} if isinstance(spec, str) else spec, recipe))
    tasks, folders, train, evaluation = zip(*parts, strict=True)
    several = task.with_tasks(tasks)
    return Several(several, folders, several.join(train), several.join(evaluation))


def _check_recipe(recipe: Recipe) -> None:
    """Refuses what is said of one task, and that nothing would learn what the teachers answer."""
    for name in _ELSEWHERE:
        if getattr(recipe.data, name) is not None:
            raise recipe.source.error(
                ("data", name),
                f"each of several tasks has its own; name it in task.tasks.*.{name}"
                if name != "soft_labels"
                else "several tasks are learned from their teachers alone; leave it out",
            )
    if not isinstance(recipe.task, Mapping) or "tasks" not in recipe.task:
        raise recipe.source.error(
            ("task",),
            "name the tasks: {kind: several-tasks, tasks: {sentiment: {kind: ..., teacher: ..., "
            "train: ...}, ...}}",
        )
    if not any(step.config.learns_predictions for step in recipe.steps):
        raise recipe.source.error(
            ("steps",), "no step learns what the teachers of the tasks answer: add `distill`"
        )


def _read_part(
    part: Part, spec: Mapping[str, Any], recipe: Recipe
) -> tuple[Task, Path, Examples, Examples]:
    """A task with its teacher's labels, that teacher, and training and evaluation rows."""
    for key in (TEACHER, TRAIN, EVAL):
        with placed(key):
            if not isinstance(spec.get(key), str) and (key != EVAL or key in spec):
                meant = "path or hub id" if key == TEACHER else "DATA"
                raise InputError(
                    f"expected {meant}, got {short(spec[key])}"
                    if key in spec
                    else f"is missing; it is: {meant} of this task alone"
                )
    with placed(TEACHER):
        folder, task = _read_teacher(part, spec[TEACHER], recipe.data.max_length)
    tables = _tables(task, spec[TRAIN], spec.get(EVAL))
    train = task.learned(task.examples(tables[0], labeled=False))
    with placed(EVAL):
        if task.is_unlabeled(tables[1]):
            raise InputError(
                f"{tables[1].source}: has no labels, and each of several tasks is measured by its "
                "own"
            )
        return task, folder, train, task.examples(tables[1])


def _read_teacher(part: Part, name: str, length: int) -> tuple[Path, Task]:
    """The teacher of a task, and the task with its labels, if it can teach it."""
    folder = find_folder(name)
    config = read_config(folder)
    known = known_task(config)
    if known is None:
        raise InputError(f"{name}: {why_no_task(config, part.task)}; fine-tune it first")
    task = part.task.for_model(known)
    reads = texts_per_input(config)
    if reads is not None and reads != 1 + task.joins_pairs:
        raise InputError(
            f"{name}: reads {'pairs' if reads == 2 else 'one text at a time'}, and the task's text "
            f"is {' and '.join(task.text)}"
        )
    if isinstance(task, MultiLabelClassification) and task.calibrates and not task.thresholds:
        raise InputError(
            f"{name}: has no thresholds chosen like that; give `threshold` a number, or leave it "
            "out for those that the teacher has"
        )
    require_positions(max_positions(config), length, name)
    model, tokenizer = load_model(folder, task), load_tokenizer(folder)
    check_tables(model, tokenizer, name, pair=task.joins_pairs)
    return folder, task


def _tables(task: Task, train: str, evaluation: str | None) -> list[Table]:
    """The training and the evaluation rows of a task."""
    with placed(TRAIN):
        table = read(train, "train", task.layout, task.text[0])
    with placed(EVAL):
        if (share := share_of(evaluation)) is not None:
            label = task.label if hasattr(task, "labels") and task.label in table.columns else None
            columns = task.text_columns(table)
            return list(hold_out(table, share, columns, label, task.together(table)))
        if evaluation is None and not has_splits(train):
            raise InputError(
                "is missing; it may be left out only where `train` is a folder or a hub data set "
                "with an evaluation split of its own: name rows, or a share such as 10%"
            )
        return [table, read(evaluation or train, "eval", task.layout, task.text[0])]


def recipe_task(recipe: Recipe) -> Task:
    """The task that a recipe names, as far as it says by itself.

    Raises:
        InputError: There is no such task or option.
    """
    spec = {"kind": recipe.task} if isinstance(recipe.task, str) else several_spec(recipe.task)
    if spec.get("kind") == SeveralTasks.kind:
        return get_task(spec)  # `data` says nothing of it
    given = {"text": recipe.data.text, "label": recipe.data.label}
    return get_task(spec | {name: value for name, value in given.items() if value is not None})
