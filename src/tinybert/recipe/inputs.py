"""What a recipe names, read and checked: rows, task, teacher, tokenizer."""

import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from tinybert.base.errors import InputError
from tinybert.base.files import hash_value
from tinybert.data import has_splits, read
from tinybert.data.corpus import check_corpus, hash_corpus
from tinybert.data.hold_out import hold_out, share_of
from tinybert.data.table import Table
from tinybert.formats.export import check_exportable
from tinybert.formats.registry import FORMATS, find_format
from tinybert.measure.device import Device
from tinybert.modeling.blocks import blocks
from tinybert.modeling.hub import find_folder, hash_model
from tinybert.modeling.load import check_tables, known_task, load_model, load_tokenizer, why_no_task
from tinybert.modeling.torch_model import load_torch
from tinybert.recipe.plan import plan
from tinybert.recipe.recipe import Recipe
from tinybert.recipe.soft_labels import join_soft_labels
from tinybert.recipe.unnamed_outputs import first_likely_order
from tinybert.runtime.config import read_config, require_positions
from tinybert.runtime.windows import check_first_texts
from tinybert.tasks import get_task
from tinybert.tasks.labels import UnnamedOutputs
from tinybert.tasks.pairs import texts_per_input
from tinybert.tasks.task import Examples, Task
from tinybert.training.materials import Materials

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inputs:
    """All that a run reads.

    Attributes:
        teacher: Folder of the teacher.
        task: With the label names and their order fixed.
        train: Training rows; None where no step trains.
        eval: The whole evaluation split; without labels where its rows are texts and nothing else.
        key: Hash of the content of all of this.
        reads: For each step of the recipe, hashes of what it alone reads beside its settings: its
            corpus, other models, a user's own schedule.
        materials: What steps look at before a run begins.
        answered: Whether the labels of `eval` are the teacher's answers.
        softly: Whether they are the likeliest of the soft labels that came with the rows.
        device: Whose latency a budget bounds; None for this machine's.
    """

    teacher: Path
    task: Task
    train: Examples | None
    eval: Examples
    key: str
    reads: list[list[str]]
    materials: Materials
    answered: bool = False
    softly: bool = False
    device: Device | None = None

    def scored(self, task: Task) -> Task:
        """A task with the metrics that the evaluation rows can have."""
        return task.as_teacher() if self.answered else task


def read_inputs(recipe: Recipe) -> Inputs:
    """Reads what a recipe names and checks what can be checked before anything runs.

    Raises:
        InputError: Something is missing, broken, or can't go together.
    """
    for index, target in enumerate(recipe.export):
        with recipe.placed("export", index):
            find_format(target)
    for index, step in enumerate(recipe.steps):
        for target in recipe.export if step.config.works_on == "artifact" else ():
            with recipe.placed("steps", index, step.name):
                FORMATS[target].load("quantize").check(step.config)
    with recipe.placed("teacher"):
        teacher = find_folder(recipe.teacher)
    config = read_config(teacher)
    if plan(recipe, config).untrained:
        logger.warning(
            "no step trains the student, whose head at least has random weights: add `distill`"
        )
    _warn_of_unused(recipe)
    device = _read_device(recipe, config)
    known = known_task(config)
    with recipe.placed("task"):
        task = _recipe_task(recipe)
    if not task.learns_labels:
        _refuse_labels(recipe, task)
    finetunes = bool(recipe.steps) and recipe.steps[0].config.new_head
    if known is None and not finetunes:
        makes = f"begin the steps with `finetune`, which makes one for {task.kind}"
        other = f"no step can teach it: name a teacher that does {task.kind}, see docs/tasks.md"
        raise recipe.source.error(
            ("teacher",),
            f"{recipe.teacher}: {why_no_task(config, task)}; "
            f"{makes if task.learns_labels else other}",
        )
    _check_soft_labels(recipe)
    task, train, evaluation, softly = _read_rows(recipe, teacher, task, known, finetunes)
    _check_activation(recipe, task)
    if evaluation.labels is None:
        with recipe.placed("task"):
            task.as_teacher()
    if not finetunes:
        _check_pairs(task, config, recipe)
    # Loaded only to be sure that they can be, before hours of work.
    tokenizer = load_tokenizer(teacher)
    _check_length(recipe, task, tokenizer)
    _check_first_texts(recipe, task, tokenizer, train, evaluation)
    model = load_model(teacher, task, new_head=finetunes)
    with recipe.placed("teacher"):
        check_tables(model, tokenizer, recipe.teacher, pair=task.joins_pairs)
        check_exportable(model)
        layers = any(step.config.opens_layers or step.config.asks() for step in recipe.steps)
        if layers and not any(step.config.begins_with for step in recipe.steps):
            blocks(model)  # refuses layers of a kind that no step can open
    materials = Materials(
        teacher=recipe.teacher,
        config=config,
        tokenizer=tokenizer,
        task=task,
        train=train,
        max_length=recipe.data.max_length,
        check_length=partial(_check_positions, recipe),
        hash_corpus=partial(_hash_corpus, recipe) if recipe.data.unlabeled else None,
    )
    key = hash_value(
        [hash_model(teacher), task.model_config(), recipe.data.max_length, recipe.seed]
        + [hash_examples(rows) for rows in (train, evaluation)]
    )
    whole, reads = materials, []
    for index, step in enumerate(recipe.steps):
        with recipe.placed("steps", index, step.name):
            reads.append(step.config.read(materials))
        materials = step.config.materials_after(materials)
    return Inputs(teacher, task, train, evaluation, key, reads, whole, softly=softly, device=device)


def _read_device(recipe: Recipe, config: dict[str, Any]) -> Device | None:
    """The device that a budget names, which was asked for the times of what is to be made."""
    budget = recipe.budget
    if budget is None or budget.device is None:
        return None
    with recipe.placed("budget", "device"):
        device = Device.read(budget.device)
        for target in recipe.export:
            device.check(target, config, recipe.quantize)
        for name, value in device.conditions.items():
            asked = getattr(budget, name)
            if asked not in (None, value):
                raise InputError(
                    f"{budget.device}: was measured with {name} {value}, not {asked}: set "
                    f"budget.{name} (--{name}) to {value}, or make a profile with {asked}"
                )
    return device


def _read_rows(
    recipe: Recipe, teacher: Path, task: Task, known: Task | None, finetunes: bool
) -> tuple[Task, Examples | None, Examples, bool]:
    """The task with its labels, the training rows, those of the evaluation split, and whether the
    latter have soft labels alone.
    """
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
            needed = _needs_labels(recipe) or task.must_read_labels(tables[0])
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
        return fitted, train, evaluation, softly
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
        raise recipe.source.error(("teacher",), f"{recipe.teacher}: {error}{source}") from None


def _check_pairs(task: Task, config: dict[str, Any], recipe: Recipe) -> None:
    """Refuses rows of pairs for a teacher of single texts, and the other way round."""
    reads = texts_per_input(config)
    if reads is not None and reads != 1 + task.joins_pairs:
        raise recipe.source.error(
            ("teacher",),
            f"{recipe.teacher}: reads {'pairs' if reads == 2 else 'one text at a time'}, and the "
            f"task's text is {' and '.join(task.text)}; begin the steps with `finetune`",
        )


def _check_activation(recipe: Recipe, task: Task) -> None:
    """Refuses labels for a cross-encoder's sigmoid: a head's loss is that of its output alone."""
    if getattr(task, "activation", None) == "sigmoid" and _needs_labels(recipe):
        raise recipe.source.error(
            ("teacher",),
            f"{recipe.teacher}: its values are the sigmoid of its output, which no step can learn "
            "from labels; leave out `finetune` and `label`: the student learns from its outputs",
        )


def _is_of_another_task(model: Task, task: Task) -> bool:
    """Whether a model's labels are others, not the task's with a mistake in the data."""
    if not isinstance(task, type(model)):
        return True
    theirs, ours = (set(each.model_config()["id2label"].values()) for each in (model, task))
    return len(theirs) != len(ours) or theirs.isdisjoint(ours)


def _warn_of_unused(recipe: Recipe) -> None:
    """Warns of options that change nothing, and that a user may expect something of."""
    for index, step in enumerate(recipe.steps):
        for option, reason in step.config.unused_options().items():
            logger.warning("steps.%d.%s.%s has no effect: %s", index, step.name, option, reason)


def _recipe_task(recipe: Recipe) -> Task:
    spec = {"kind": recipe.task} if isinstance(recipe.task, str) else dict(recipe.task)
    given = {"text": recipe.data.text, "label": recipe.data.label}
    return get_task(spec | {name: value for name, value in given.items() if value is not None})


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


def _check_length(recipe: Recipe, task: Task, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuses a length without room for a word: the tokenizer would cut nothing and say nothing."""
    special = tokenizer.num_special_tokens_to_add(pair=task.joins_pairs)
    if recipe.data.max_length < special + 1 + task.joins_pairs:
        raise recipe.source.error(
            ("data", "max_length"),
            f"{recipe.data.max_length} leaves no room for text beside {special} special tokens",
        )


def _check_first_texts(
    recipe: Recipe, task: Task, tokenizer: PreTrainedTokenizerBase, *rows: Examples | None
) -> None:
    """Refuses questions that leave no room for windows of their contexts."""
    length = recipe.data.max_length
    if task.joins_pairs and task.overlap(length) is not None:
        for each in rows:
            if each is not None:
                backend = tokenizer.backend_tokenizer
                check_first_texts(backend, each, length, task.overlap(length))


def _needs_labels(recipe: Recipe) -> bool:
    """Whether a step learns from the labels of the data: a teacher may do without."""
    corpus = bool(recipe.data.unlabeled)
    return any("labels" in step.config.needs(corpus) for step in recipe.steps)


def _refuse_labels(recipe: Recipe, task: Task) -> None:
    """Refuses steps that learn from labels, for a task that nothing learns from them."""
    for index, step in enumerate(recipe.steps):
        if step.config.new_head or "labels" in step.config.needs(bool(recipe.data.unlabeled)):
            raise recipe.source.error(
                ("steps", index, step.name),
                f"learns from labels, and {task.kind} is learned from the teacher alone; leave it "
                "out",
            )


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


def hash_examples(rows: Examples | None) -> str | None:
    """A hash of inputs and labels; None where there are no rows."""
    if rows is None:
        return None
    soft = [] if rows.soft_labels is None else [rows.soft_labels.tolist()]
    labels = None if rows.labels is None else rows.labels.tolist()
    return hash_value([list(rows.rows), labels, *soft])


def _check_positions(recipe: Recipe, positions: int | None, name: str) -> None:
    with recipe.placed("data", "max_length"):
        require_positions(positions, recipe.data.max_length, name)


def _hash_corpus(recipe: Recipe) -> str:
    with recipe.placed("data", "unlabeled"):
        check_corpus(recipe.data.unlabeled)
        return hash_corpus(recipe.data.unlabeled)
