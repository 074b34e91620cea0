"""Refuses shapes that a recipe's teacher can't give, before hours of work."""

from typing import Any

from tinybert.distill.config import DistillationConfig, DistillConfig, GeneralDistillConfig
from tinybert.distill.schedules import check_schedule
from tinybert.hub import find_folder
from tinybert.layers import BERT_LIKE, group_heads, map_layers, pair_layers
from tinybert.recipe import Recipe
from tinybert.recipe_source import Place
from tinybert.runtime.config import max_positions, read_object
from tinybert.students.config import SHAPE, StudentConfig


def check_structure(recipe: Recipe, config: dict[str, Any]) -> None:
    """Checks every step against the teacher's config.json.

    Raises:
        InputError: With the line in the recipe.
    """
    positions = max_positions(config)
    if positions is not None and recipe.data.max_length > positions:
        raise recipe.source.error(
            ("data", "max_length"),
            f"{recipe.data.max_length} is more than the {positions} tokens that the teacher takes",
        )
    student = {name: config.get(name, 0) for name in SHAPE.values()}
    for index, step in enumerate(recipe.steps):
        settings, place = step.config, ("steps", index, step.name)
        if isinstance(settings, StudentConfig):
            student = {theirs: getattr(settings, ours) for ours, theirs in SHAPE.items()}
            _check_student(recipe, place, settings, config)
        if isinstance(settings, DistillationConfig):
            teacher = config
            if isinstance(settings, GeneralDistillConfig) and settings.teacher is not None:
                with recipe.blamed(*place, "teacher"):
                    teacher = read_object(find_folder(settings.teacher) / "config.json")
            _check_distillation(recipe, place, settings, teacher, student)


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
    with recipe.blamed(*place, "layers" if isinstance(settings.mapping, str) else "mapping"):
        map_layers(config["num_hidden_layers"], settings.layers, settings.mapping)
    with recipe.blamed(*place, "attention_heads"):
        group_heads(config["num_attention_heads"], settings.attention_heads)


def _check_distillation(
    recipe: Recipe,
    place: Place,
    settings: DistillationConfig,
    teacher: dict[str, Any],
    student: dict[str, int],
) -> None:
    with recipe.blamed(*place, "mapping"):
        layers = teacher["num_hidden_layers"], student["num_hidden_layers"]
        pair_layers(*layers, settings.mapping)
    if settings.attention:
        with recipe.blamed(*place, "attention"):
            group_heads(teacher["num_attention_heads"], student["num_attention_heads"])
    if settings.relations:
        for width in (teacher["hidden_size"], student["hidden_size"]):
            if width % settings.relation_heads:
                raise recipe.source.error(
                    (*place, "relation_heads"),
                    f"{settings.relation_heads} does not divide a hidden size of {width}",
                )
    if isinstance(settings, DistillConfig):
        with recipe.blamed(*place, "weights_schedule"):
            check_schedule(settings.weights_schedule, settings.weights(), settings.epochs)
    if teacher.get("model_type") not in BERT_LIKE:
        raise recipe.source.error(
            place,
            f"can't learn from a {teacher.get('model_type')} model; "
            f"supported: {', '.join(BERT_LIKE)}",
        )
    length = getattr(settings, "length", 0)
    positions = max_positions(teacher)
    if positions is not None and length > positions:
        raise recipe.source.error(
            (*place, "length"), f"{length} is more than the {positions} tokens of the teacher"
        )
