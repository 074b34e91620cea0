"""What a recipe names, read and checked: rows, task, teacher, tokenizer."""

import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from tinybert.base.errors import InputError
from tinybert.base.files import hash_value
from tinybert.data.corpus import check_corpus, hash_corpus
from tinybert.formats.export import check_exportable
from tinybert.formats.registry import FORMATS, find_format
from tinybert.measure.device import Device
from tinybert.modeling.blocks import blocks
from tinybert.modeling.hub import find_folder, hash_model
from tinybert.modeling.load import check_tables, known_task, load_model, load_tokenizer, why_no_task
from tinybert.recipe.plan import plan
from tinybert.recipe.recipe import Recipe
from tinybert.recipe.rows import needs_labels, read_rows
from tinybert.recipe.several import read_several, recipe_task
from tinybert.runtime.config import read_config, require_positions
from tinybert.runtime.windows import check_first_texts
from tinybert.tasks.pairs import texts_per_input
from tinybert.tasks.stored_rows import StoredRows
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
        part_teachers: Of several tasks the folder of each one's teacher; `teacher` is then the
            encoder that the student begins with.
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
    part_teachers: tuple[Path, ...] = ()

    @property
    def teachers(self) -> tuple[Path, ...]:
        """The models that teach: one, or of several tasks one each."""
        return self.part_teachers or (self.teacher,)

    def lacks_head(self, path: Path) -> bool:
        """Whether a model is the encoder that the student of several tasks begins with."""
        return bool(self.part_teachers) and path == self.teacher

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
        task = recipe_task(recipe)
    if not task.learns_labels:
        _refuse_labels(recipe, task)
    finetunes = bool(recipe.steps) and recipe.steps[0].config.new_head
    if known is None and not finetunes and not task.of_parts:
        makes = f"begin the steps with `finetune`, which makes one for {task.kind}"
        other = f"no step can teach it: name a teacher that does {task.kind}, see docs/tasks.md"
        raise recipe.source.error(
            ("teacher",),
            f"{recipe.teacher}: {why_no_task(config, task)}; "
            f"{makes if task.learns_labels else other}",
        )
    part_teachers: tuple[Path, ...] = ()
    if task.of_parts:
        several = read_several(recipe, task)
        task, part_teachers, softly = several.task, several.teachers, False
        train: Examples | None = several.train
        evaluation = several.eval
    else:
        rows = read_rows(recipe, teacher, task, known, finetunes)
        task, train, evaluation, softly = rows.task, rows.train, rows.eval, rows.softly
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
    model = load_model(teacher, task, new_head=finetunes or task.of_parts)
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
        + [hash_model(each) for each in part_teachers]
        + [hash_examples(each) for each in (train, evaluation)]
    )
    whole, reads = materials, []
    for index, step in enumerate(recipe.steps):
        with recipe.placed("steps", index, step.name):
            reads.append(step.config.read(materials))
        materials = step.config.materials_after(materials)
    return Inputs(
        *(teacher, task, train, evaluation, key, reads, whole),
        softly=softly,
        device=device,
        part_teachers=part_teachers,
    )


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
    if getattr(task, "activation", None) == "sigmoid" and needs_labels(recipe):
        raise recipe.source.error(
            ("teacher",),
            f"{recipe.teacher}: its values are the sigmoid of its output, which no step can learn "
            "from labels; leave out `finetune` and `label`: the student learns from its outputs",
        )


def _warn_of_unused(recipe: Recipe) -> None:
    """Warns of options that change nothing, and that a user may expect something of."""
    for index, step in enumerate(recipe.steps):
        for option, reason in step.config.unused_options().items():
            logger.warning("steps.%d.%s.%s has no effect: %s", index, step.name, option, reason)


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


def _refuse_labels(recipe: Recipe, task: Task) -> None:
    """Refuses steps that learn from labels, for a task that nothing learns from them."""
    for index, step in enumerate(recipe.steps):
        if step.config.new_head or "labels" in step.config.needs(bool(recipe.data.unlabeled)):
            raise recipe.source.error(
                ("steps", index, step.name),
                f"learns from labels, and {task.kind} is learned from the teacher alone; leave it "
                "out",
            )


def hash_examples(rows: Examples | None) -> str | None:
    """A hash of inputs and labels; None where there are no rows."""
    if rows is None:
        return None
    soft = [] if rows.soft_labels is None else [rows.soft_labels.tolist()]
    labels = None if rows.labels is None else rows.labels.tolist()
    own = rows.rows.hash() if isinstance(rows.rows, StoredRows) else list(rows.rows)
    return hash_value([own, labels, *soft])


def _check_positions(recipe: Recipe, positions: int | None, name: str) -> None:
    with recipe.placed("data", "max_length"):
        require_positions(positions, recipe.data.max_length, name)


def _hash_corpus(recipe: Recipe) -> str:
    with recipe.placed("data", "unlabeled"):
        check_corpus(recipe.data.unlabeled)
        return hash_corpus(recipe.data.unlabeled)
