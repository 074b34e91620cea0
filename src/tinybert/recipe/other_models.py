"""The models that a recipe names beside its teacher: checkpoints and more teachers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from tinybert.base.errors import InputError
from tinybert.distillation.config import DistillConfig
from tinybert.families import family_of
from tinybert.modeling.hub import find_folder
from tinybert.modeling.load import (
    check_tables,
    known_task,
    load_masked_lm,
    load_model,
    load_tokenizer,
    masked_lm_head,
    why_no_task,
)
from tinybert.recipe.recipe import Recipe
from tinybert.recipe.source import Place
from tinybert.runtime.config import max_positions, read_config, require_positions
from tinybert.runtime.tables import Tables
from tinybert.steps.general_distill.config import GeneralDistillConfig
from tinybert.steps.generate.config import GenerateConfig
from tinybert.steps.student.config import StudentConfig
from tinybert.tasks.task import Task

TABLES = ("vocab_size", "type_vocab_size")
"""Rows of a student's embedding tables, beside those of positions, which are its teacher's."""


def find_other_models(
    recipe: Recipe, task: Task, config: dict[str, Any], tokenizer: PreTrainedTokenizerBase
) -> list[list[Path]]:
    """The folders that each step of a run will load later, all of them checked.

    Args:
        recipe: Names them.
        task: With the label names in the teacher's order.
        config: The teacher's config.json.
        tokenizer: The teacher's.

    Raises:
        InputError: A model is missing, or does not go with the teacher.
    """
    folders: list[list[Path]] = [[] for _ in recipe.steps]
    for index, place, name, check in _named(recipe):
        with recipe.blamed(*place):
            folder = find_folder(name)
            theirs = read_config(folder)
            if isinstance(check, StudentConfig):
                _check_shape(folder, theirs, check, config)
            if not isinstance(check, StudentConfig) or _has_tokenizer(folder):
                _check_vocabulary(folder, theirs, tokenizer)
            if isinstance(check, GenerateConfig):
                load_masked_lm(folder)
            if isinstance(check, GeneralDistillConfig) and check.prediction:
                masked_lm_head(load_masked_lm(folder))
            if isinstance(check, DistillConfig):
                _check_labels(folder, theirs, task)
                positions = max_positions(theirs)
        if isinstance(check, DistillConfig):
            with recipe.blamed("data", "max_length"):
                require_positions(positions, recipe.data.max_length, str(folder))
        folders[index].append(folder)
    return folders


def _named(recipe: Recipe) -> Iterator[tuple[int, Place, str, Any]]:
    """The step that names it, by its number, the place, the name and the settings of each."""
    for index, step in enumerate(recipe.steps):
        settings, place = step.config, ("steps", index, step.name)
        if isinstance(settings, StudentConfig) and settings.init not in ("teacher", "random"):
            yield index, (*place, "init"), settings.init, settings
        if isinstance(settings, GenerateConfig) and settings.masked_lm is not None:
            yield index, (*place, "masked_lm"), settings.masked_lm, settings
        if isinstance(settings, GeneralDistillConfig) and not settings.fine_tuned:
            if settings.other_teacher is not None:
                yield index, (*place, "teacher"), settings.other_teacher, settings
            elif settings.prediction:  # asks more of the recipe's teacher than the other losses
                yield index, (*place, "prediction"), recipe.teacher, settings
        if step.distillation is not None:
            within, learns = step.distillation
            for number, other in enumerate(learns.teachers):
                where = (*place, *within, "teachers", number, "model")
                yield index, where, other.model, learns


def _check_shape(
    folder: Path, theirs: dict[str, Any], student: StudentConfig, teacher: dict[str, Any]
) -> None:
    sizes = family_of(teacher.get("model_type")).sizes
    wanted = {theirs: getattr(student, ours) for ours, theirs in sizes.names.items()}
    wanted |= {name: teacher.get(name) for name in (*TABLES, sizes.positions)}
    for name, value in wanted.items():
        if theirs.get(name) != value:
            raise InputError(f"{folder} has {name} {theirs.get(name)}, the student {value}")


def _has_tokenizer(folder: Path) -> bool:
    """A checkpoint alone needs none: the student reads its teacher's tokens."""
    return any((folder / name).exists() for name in ("tokenizer.json", "vocab.txt"))


def _check_vocabulary(
    folder: Path, theirs: dict[str, Any], tokenizer: PreTrainedTokenizerBase
) -> None:
    vocabulary = tokenizer.get_vocab()
    if load_tokenizer(folder).get_vocab() != vocabulary:
        raise InputError(
            f"{folder}: its vocabulary is not the teacher's; the models must read the same tokens"
        )
    tables = Tables.of_config(theirs, str(folder), takes_types=False)
    tables.check_ids(max(vocabulary.values()), 0)


def _check_labels(folder: Path, theirs: dict[str, Any], task: Task) -> None:
    known = known_task(theirs)
    if known is None:
        raise InputError(f"{folder}: {why_no_task(theirs, task)}; fine-tune it first")
    ours, own = (getattr(each, "activation", None) or "identity" for each in (task, known))
    if ours != own:
        raise InputError(f"{folder}: its output has another activation than the teacher's")
    if task.for_model(known).model_config()["id2label"] != task.model_config()["id2label"]:
        raise InputError(f"{folder}: its labels are not the teacher's, in the same order")
    model, tokenizer = load_model(folder, task), load_tokenizer(folder)
    check_tables(model, tokenizer, str(folder), pair=len(task.text) == 2)
