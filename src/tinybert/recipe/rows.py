"""The rows that a recipe names, and its task with what they and the teacher say of labels."""

import logging
from dataclasses import dataclass
from pathlib import Path

from tinybert.base.errors import InputError
from tinybert.data import has_splits, read
from tinybert.data.hold_out import hold_out, share_of
from tinybert.data.table import Table
from tinybert.modeling.torch_model import load_torch
from tinybert.recipe.recipe import Recipe
from tinybert.recipe.soft_labels import join_soft_labels
from tinybert.recipe.unnamed_outputs import first_likely_order
from tinybert.tasks.labels import UnnamedOutputs
from tinybert.tasks.task import Examples, Task

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rows:
    """What was read.

    Attributes:
        task: With its labels, in the teacher's order.
        train: Training rows; None where no step trains.
        eval: The whole evaluation split.
        softly: Whether it has soft labels alone.
    """

    task: Task
    train: Examples | None
    eval: Examples
    softly: bool


def read_rows(
    recipe: Recipe, teacher: Path, task: Task, known: Task | None, finetunes: bool
) -> Rows:
    """Reads training rows and those of the evaluation split.

    Args:
        recipe: That names them.
        teacher: Folder of its teacher.
        task: As the recipe has it.
        known: That of the teacher; None where it has no head for one.
        finetunes: Whether the first step gives it a new head where its own is another's.

    Raises:
        InputError: Something is missing, broken, or can't go together, with the line in the recipe.
    """
    _check_soft_labels(recipe)
    tables: list[Table] = []
    labeled = False
    fitted, train = task, None
    try:
        if _needs_rows(recipe) or recipe.data.train is not None:
            if recipe.data.train is None:
                raise recipe.source.error(
                    ("data", "train"), "is missing, and the steps need training rows"
                )
            table = read(recipe.data.train, "train", task.layout, task.text[0])
            if recipe.data.soft_labels is not None:
                with recipe.placed("data", "soft_labels"):
                    task, table = join_soft_labels(task, table, recipe.data.soft_labels)
            tables += _split(recipe, table, task)
            needed = needs_labels(recipe) or task.must_read_labels(tables[0])
            labeled = needed or _has_labels(task, tables[0], known)
            fitted = task.fit(tables[0]) if labeled else task
        elif task.calibrates:
            raise recipe.source.error(
                ("task",), "`threshold` is to be chosen on labeled rows: name them in data.train"
            )
        if known is not None:
            fitted = _for_teacher(fitted, known, recipe, finetunes)
        if tables:
            train = fitted.learned(fitted.examples(tables[0], labeled))
        if len(tables) < 2:
            tables.append(read(_evaluation(recipe), "eval", task.layout, task.text[0]))
        labeled = not fitted.is_unlabeled(tables[-1])
        if not labeled and finetunes:
            raise recipe.source.error(
                ("data", "eval"),
                f"{tables[-1].source}: has no labels, which only a model that is fine-tuned "
                "already can be compared on: name labeled rows, or such a teacher",
            )
        evaluation = fitted.examples(tables[-1], labeled)
        has_labels = all(name in tables[-1].columns for name in fitted.label_columns)
        softly = evaluation.soft_labels is not None and not has_labels
        return Rows(fitted, train, evaluation, softly)
    except UnnamedOutputs as error:
        model = load_torch(teacher, max_length=recipe.data.max_length)
        likely = first_likely_order(model, task, tables)
        hint = "" if likely is None else f"; {likely.as_recipe(recipe.task)}"
        raise recipe.source.error(("task",), f"{recipe.teacher}: {error}{hint}") from None


def _check_soft_labels(recipe: Recipe) -> None:
    """Refuses soft labels that nothing would learn."""
    if recipe.data.soft_labels is None:
        return
    with recipe.placed("data", "soft_labels"):
        if recipe.data.train is None:
            raise InputError("are those of training rows, and data.train names none")
        for step in recipe.steps:
            if step.config.learns_predictions:
                return
            makes = step.config.works_on == "rows"
            if makes and "rows" not in step.config.needs(bool(recipe.data.unlabeled)):
                raise InputError(
                    f"`{step.name}` makes other rows before any step learns from them; leave "
                    "one of them out"
                )
        raise InputError(
            "no step learns from them: add `finetune`, or `distill` with a weight of `prediction`"
        )


def _split(recipe: Recipe, table: Table, task: Task) -> list[Table]:
    """The training rows, and those held out of them where the recipe asks for a share."""
    share = share_of(recipe.data.eval)
    if share is None:
        return [table]
    classes = hasattr(task, "labels") and task.label in table.columns  # numbers are no strata
    label = task.label if classes else None
    with recipe.placed("data", "eval"):
        columns = task.text_columns(table)
        return list(hold_out(table, share, columns, label, task.together(table)))


def _for_teacher(task: Task, known: Task, recipe: Recipe, finetunes: bool) -> Task:
    """The task with the teacher's labels in its order; as it is where that gets a new head."""
    try:
        return task.for_model(known)
    except InputError as error:
        if isinstance(error, UnnamedOutputs) and not finetunes:
            raise
        if finetunes and _is_of_another_task(known, task):
            logger.warning("%s: %s; `finetune` trains a new head", recipe.teacher, error)
            return task
        source = f", read from {recipe.data.train}" if recipe.data.train else ""
        other = not finetunes and _is_of_another_task(known, task)
        hint = "; begin the steps with `finetune`, which trains a new head" if other else ""
        raise recipe.source.error(
            ("teacher",), f"{recipe.teacher}: {error}{source}{hint}"
        ) from None


def _is_of_another_task(model: Task, task: Task) -> bool:
    """Whether a model's labels are others, not the task's with a mistake in the data."""
    if not isinstance(task, type(model)):
        return True
    theirs, ours = (set(each.model_config()["id2label"].values()) for each in (model, task))
    return len(theirs) != len(ours) or theirs.isdisjoint(ours)


def _evaluation(recipe: Recipe) -> str:
    if share_of(recipe.data.eval) is not None and recipe.data.train is None:
        raise recipe.source.error(
            ("data", "eval"), "is a share of the rows of data.train, which is missing"
        )
    if recipe.data.eval is not None:
        return recipe.data.eval
    if recipe.data.train is None or not has_splits(recipe.data.train):
        raise recipe.source.error(
            ("data", "eval"),
            "is missing; it may be left out only where data.train is a folder or a hub data set "
            "with an evaluation split of its own: name rows, or a share such as 10% of the "
            "training rows",
        )
    return recipe.data.train


def _needs_rows(recipe: Recipe) -> bool:
    """Whether a step reads training rows that no step before it has made."""
    for step in recipe.steps:
        if "rows" in step.config.needs(bool(recipe.data.unlabeled)):
            return True
        if step.config.works_on == "rows":
            return False
    return False


def needs_labels(recipe: Recipe) -> bool:
    """Whether a step learns from the labels of the data: a teacher may do without."""
    corpus = bool(recipe.data.unlabeled)
    return any("labels" in step.config.needs(corpus) for step in recipe.steps)


def _has_labels(task: Task, table: Table, known: Task | None) -> bool:
    """Whether rows that need no labels have them: all of them, and those of the teacher."""
    try:
        fitted = task.fit(table)
        (fitted if known is None else fitted.for_model(known)).examples(table)
    except UnnamedOutputs:
        raise
    except InputError:
        return False
    return True
