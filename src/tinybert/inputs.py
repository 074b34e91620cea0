"""What a recipe names, read and checked: rows, task, teacher, tokenizer."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinybert.data import has_splits, read
from tinybert.errors import InputError
from tinybert.export import find_target
from tinybert.files import hash_path, hash_value
from tinybert.hub import download
from tinybert.huggingface import known_task, load_model, load_tokenizer
from tinybert.layers import BERT_LIKE, group_heads, map_layers
from tinybert.recipe import Recipe
from tinybert.recipe_source import Place
from tinybert.runtime.config import max_positions, read_object
from tinybert.students.config import SHAPE, StudentConfig
from tinybert.tasks import get_task
from tinybert.tasks.base import Examples, Task


@dataclass(frozen=True)
class Inputs:
    """All that a run reads.

    Attributes:
        teacher: Folder of the teacher.
        task: With the label names and their order fixed.
        train: Training rows; None where no step trains.
        eval: The whole evaluation split.
        key: Hash of the content of all of it.
    """

    teacher: Path
    task: Task
    train: Examples | None
    eval: Examples
    key: str


def read_inputs(recipe: Recipe) -> Inputs:
    """Reads what a recipe names and checks what can be checked before anything runs.

    Raises:
        InputError: Something is missing, broken, or can't go together.
    """
    for index, target in enumerate(recipe.export):
        with _blamed_on(recipe, "export", index):
            find_target(target)
    with _blamed_on(recipe, "teacher"):
        teacher = _folder(recipe.teacher)
    config = read_object(teacher / "config.json")
    _check_structure(recipe, config)
    known = known_task(config)
    with _blamed_on(recipe, "task"):
        task = _recipe_task(recipe)
    train_table = None
    if any(step.kind.works_on == "model" for step in recipe.steps):
        if recipe.data.train is None:
            raise recipe.source.error(
                ("data", "train"), "is missing, and the steps need training rows"
            )
        train_table = read(recipe.data.train, "train", task.layout)
        task = task.fit(train_table)
    if known is not None:
        task = _for_teacher(task, known, recipe)
    elif not recipe.steps or recipe.steps[0].name != "finetune":
        raise recipe.source.error(
            ("teacher",),
            f"{recipe.teacher}: has no head for {task.kind}; begin the steps with `finetune`",
        )
    train = None if train_table is None else task.examples(train_table)
    evaluation = task.examples(read(_evaluation(recipe), "eval", task.layout))
    # Loaded only to be sure that they can be, before hours of work.
    load_tokenizer(teacher)
    load_model(teacher, task, new_head=known is None)
    key = hash_value(
        [hash_path(folder) for folder in [teacher, *_checkpoints(recipe, config.get("vocab_size"))]]
        + [task.model_config(), recipe.data.max_length, recipe.seed]
        + [_hash_examples(rows) for rows in (train, evaluation)]
    )
    return Inputs(teacher, task, train, evaluation, key)


@contextlib.contextmanager
def _blamed_on(recipe: Recipe, *place: str | int) -> Iterator[None]:
    """Adds to the errors of a block which line of the recipe they come from."""
    try:
        yield
    except InputError as error:
        raise recipe.source.error(place, str(error)) from None


def _folder(name: str) -> Path:
    folder = Path(name)
    if folder.is_file():
        raise InputError(f"{name} is a file; expected a Hugging Face folder or hub id")
    return folder if folder.exists() else download(name)


def _for_teacher(task: Task, known: Task, recipe: Recipe) -> Task:
    try:
        return task.for_model(known)
    except InputError as error:
        source = f", read from {recipe.data.train}" if recipe.data.train else ""
        raise recipe.source.error(("teacher",), f"{recipe.teacher}: {error}{source}") from None


def _checkpoints(recipe: Recipe, vocabulary: int | None) -> list[Path]:
    """The folders of the checkpoints that students start from, their shapes checked."""
    folders = []
    for index, step in enumerate(recipe.steps):
        if step.name != "student" or step.config.init in ("teacher", "random"):
            continue
        with _blamed_on(recipe, "steps", index, "student", "init"):
            folder = _folder(step.config.init)
            config = read_object(folder / "config.json")
            wanted = {theirs: getattr(step.config, ours) for ours, theirs in SHAPE.items()}
            for name, value in (wanted | {"vocab_size": vocabulary}).items():
                if config.get(name) != value:
                    raise InputError(f"{folder} has {name} {config.get(name)}, the student {value}")
        folders.append(folder)
    return folders


def _recipe_task(recipe: Recipe) -> Task:
    spec = {"kind": recipe.task} if isinstance(recipe.task, str) else dict(recipe.task)
    given = {"text": recipe.data.text, "label": recipe.data.label}
    return get_task(spec | {name: value for name, value in given.items() if value is not None})


def _evaluation(recipe: Recipe) -> str:
    if recipe.data.eval is not None:
        return recipe.data.eval
    if recipe.data.train is None or not has_splits(recipe.data.train):
        raise recipe.source.error(
            ("data", "eval"),
            "is missing; it may be left out only where data.train is a folder or a hub data set "
            "with an evaluation split of its own",
        )
    return recipe.data.train


def _check_structure(recipe: Recipe, config: dict[str, Any]) -> None:
    """Refuses shapes that this teacher can't give, before hours of work."""
    positions = max_positions(config)
    if positions is not None and recipe.data.max_length > positions:
        raise recipe.source.error(
            ("data", "max_length"),
            f"{recipe.data.max_length} is more than the {positions} tokens that the teacher takes",
        )
    layers, heads = config.get("num_hidden_layers", 0), config.get("num_attention_heads", 0)
    student_layers, student_heads = layers, heads
    for index, step in enumerate(recipe.steps):
        settings, place = step.config, ("steps", index, step.name)
        if step.name == "student":
            student_layers, student_heads = settings.layers, settings.attention_heads
            _check_student(recipe, place, settings, config)
        if step.name == "distill":
            with _blamed_on(recipe, *place, "mapping"):
                map_layers(layers, student_layers, settings.mapping)
            if settings.attention:
                with _blamed_on(recipe, *place, "attention"):
                    group_heads(heads, student_heads)


def _check_student(
    recipe: Recipe, place: Place, settings: StudentConfig, config: dict[str, Any]
) -> None:
    if config.get("model_type") not in BERT_LIKE:
        raise recipe.source.error(
            ("teacher",),
            f"{recipe.teacher}: a {config.get('model_type')} model is not supported yet; "
            f"supported: {', '.join(BERT_LIKE)}",
        )
    if settings.init != "teacher":
        return
    for name in ("hidden_size", "intermediate_size"):
        if getattr(settings, name) > config[name]:
            raise recipe.source.error(
                (*place, name),
                f"{getattr(settings, name)} is more than the teacher's {config[name]}; "
                "`init: teacher` can only make it smaller",
            )
    with _blamed_on(recipe, *place, "layers" if settings.mapping == "uniform" else "mapping"):
        map_layers(config["num_hidden_layers"], settings.layers, settings.mapping)
    with _blamed_on(recipe, *place, "attention_heads"):
        group_heads(config["num_attention_heads"], settings.attention_heads)


def _hash_examples(rows: Examples | None) -> str | None:
    if rows is None or rows.labels is None:
        return None
    return hash_value([rows.texts, rows.labels.tolist()])
