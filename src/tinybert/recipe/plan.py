"""Refuses shapes that a recipe's teacher can't give, before hours of work."""

from dataclasses import replace
from typing import Any

from tinybert.distillation.config import (
    LAYER_LOSSES,
    DistillationConfig,
    DistillConfig,
)
from tinybert.distillation.schedules import SCHEDULES, check_schedule, require_schedule
from tinybert.families import Family, family_of, find_family, require
from tinybert.families.family import Capability
from tinybert.modeling.hub import find_folder
from tinybert.modeling.mapping import group_heads, map_layers, pair_layers
from tinybert.recipe.expected_shape import ExpectedShape
from tinybert.recipe.recipe import Recipe, Step
from tinybert.recipe.source import Place
from tinybert.runtime.config import max_positions, read_config, require_positions
from tinybert.steps.factorize.config import FactorizeConfig
from tinybert.steps.general_distill.config import GeneralDistillConfig
from tinybert.steps.prune.config import PruneConfig, require_layers
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.shorten.config import ShortenConfig
from tinybert.steps.student.config import StudentConfig
from tinybert.training.section import Config


def check_structure(recipe: Recipe, config: dict[str, Any]) -> None:
    """Checks every step against the teacher's config.json.

    Raises:
        InputError: With the line in the recipe.
    """
    with recipe.blamed("teacher"):
        positions = max_positions(config)
    with recipe.blamed("data", "max_length"):
        require_positions(positions, recipe.data.max_length, "the teacher")
    known = find_family(config.get("model_type"))
    if known is not None:
        for index, step in enumerate(recipe.steps):
            _check_family(recipe, ("steps", index, step.name), step, known)
    if not any(_knows_layers(step) for step in recipe.steps):
        return
    with recipe.blamed("teacher"):
        family = family_of(config.get("model_type"))
        teacher = shape = ExpectedShape.of(config)
    untrained = False  # whether the model's head, at least, has random weights
    for index, step in enumerate(recipe.steps):
        settings, place = step.config, ("steps", index, step.name)
        if shape.selects is not None and _needs_every_position(settings):
            raise recipe.source.error(
                place,
                "can't work where layers compute some tokens only: put it before `shorten`, "
                "or take another teacher if that is one already",
            )
        if isinstance(settings, StudentConfig):
            untrained = settings.init != "teacher"
            _check_student(recipe, place, settings, shape)
            shape = ExpectedShape.of_student(settings)
        if isinstance(settings, FactorizeConfig):
            with recipe.blamed(*place, "rank" if settings.rank else "parts"):
                shape = shape.factorized(settings)
        if isinstance(settings, ShortenConfig):
            _check_shorten(recipe, place, settings, shape, untrained)
            shape = replace(shape, selects=settings.layer)
        after = shape
        if isinstance(settings, PruneConfig):
            with recipe.blamed(*place, "layers"):
                after = shape.pruned(settings)
            _check_prune(recipe, place, settings, shape, after)
            shape = replace(shape, layers=after.layers)  # they go before the step learns
        if step.distillation is not None:
            within, learns = step.distillation
            _check_distillation(recipe, (*place, *within), learns, teacher, shape, family)
        elif isinstance(settings, GeneralDistillConfig):
            _check_general(recipe, place, settings, config, shape, family)
        shape = after
        untrained = untrained and not step.kind.trains


def check_users_code(recipe: Recipe) -> None:
    """Runs what a recipe names of a user's own code, to see whether it does what it must.

    Apart from `check_structure`, since a recipe that is only looked at must not run anything.

    Raises:
        InputError: With the line in the recipe.
    """
    for index, step in enumerate(recipe.steps):
        if step.distillation is None:
            continue
        within, settings = step.distillation
        with recipe.blamed("steps", index, step.name, *within, "weights_schedule"):
            check_schedule(settings.weights_schedule, settings.weights(), settings.epochs)


def _check_family(recipe: Recipe, place: Place, step: Step, family: Family) -> None:
    """Refuses what the model's family can't do, at the key that asks for it."""
    settings = step.config
    asked: dict[str, tuple[Capability, ...]] = {}
    if isinstance(settings, StudentConfig) and settings.init == "teacher":
        asked["init"] = ("student",)
    if isinstance(settings, PruneConfig):
        asked = {
            "heads": ("prune", "prune-heads") if settings.heads else (),
            "neurons": ("prune",) if settings.neurons else (),
            "layers": ("prune", "prune-layers") if settings.layers else (),
        }
    if isinstance(settings, FactorizeConfig):
        asked["parts"] = ("factorize",)
    if isinstance(settings, ShortenConfig):
        asked["layer"] = ("shorten",)
    if isinstance(settings, QuantizeConfig):
        by_method: dict[str, tuple[Capability, ...]] = {"static": ("static",), "qat": ("qat",)}
        asked["method"] = by_method.get(settings.method, ())
        asked["rounding"] = ("gptq",) if settings.rounding == "gptq" else ()
    for key, capabilities in asked.items():
        with recipe.blamed(*place, key):
            require(family, *capabilities)


def _knows_layers(step: Step) -> bool:
    """Whether a step looks into a model's layers, so that its family must be known."""
    kinds = StudentConfig, FactorizeConfig, PruneConfig, GeneralDistillConfig, ShortenConfig
    return isinstance(step.config, kinds) or step.distillation is not None


def _needs_every_position(settings: Config) -> bool:
    """Whether a step looks at what layers compute for each token of a text."""
    if isinstance(settings, PruneConfig):
        return not settings.makes_zeros
    if isinstance(settings, StudentConfig):
        return settings.init == "teacher"
    return isinstance(settings, GeneralDistillConfig)


def _check_student(
    recipe: Recipe, place: Place, settings: StudentConfig, source: ExpectedShape
) -> None:
    if settings.init != "teacher":
        return
    sizes = {"hidden_size": source.hidden_size, "intermediate_size": source.neurons}
    for name, most in sizes.items():
        if getattr(settings, name) > most:
            raise recipe.source.error(
                (*place, name),
                f"{getattr(settings, name)} is more than the teacher's {most}; "
                "`init: teacher` can only make it smaller",
            )
    with recipe.blamed(*place, "layers" if isinstance(settings.mapping, str) else "mapping"):
        map_layers(source.layers, settings.layers, settings.mapping)
    with recipe.blamed(*place, "attention_heads"):
        group_heads(source.heads, settings.attention_heads)


def _check_shorten(
    recipe: Recipe, place: Place, settings: ShortenConfig, shape: ExpectedShape, untrained: bool
) -> None:
    if untrained:
        raise recipe.source.error(
            place,
            "chooses the tokens that the model's answers depend on, and this student's head is "
            "random: put it after `distill`, and another `distill` after it",
        )
    if shape.selects is not None:
        raise recipe.source.error(place, "layers compute some tokens only already")
    if settings.layer >= shape.layers:
        raise recipe.source.error(
            (*place, "layer"), f"no layer comes after it; the model has {shape.layers}"
        )
    if settings.positions >= recipe.data.max_length:
        raise recipe.source.error(
            (*place, "positions"),
            f"nothing would be left out: texts have {recipe.data.max_length} tokens at most "
            "(data.max_length)",
        )


def _check_prune(
    recipe: Recipe,
    place: Place,
    settings: PruneConfig,
    shape: ExpectedShape,
    after: ExpectedShape,
) -> None:
    cut = {"neurons": {"ffn"}, "heads": {"attention"}, "layers": {"ffn", "attention"}}
    for name, parts in cut.items():
        wanted = getattr(settings, name)
        if wanted and not isinstance(wanted, list) and parts & shape.low_rank:
            raise recipe.source.error(
                (*place, name), "can't cut layers of low rank; put `prune` before `factorize`"
            )
    if settings.of_layers is not None:
        with recipe.blamed(*place, "of_layers"):
            require_layers(settings.of_layers, after.layers)
    if settings.kept_of_group is not None and shape.even and not shape.low_rank:
        group = settings.kept_of_group[1]
        for width in (shape.hidden_size, shape.neurons, shape.attention_width):
            if width % group:
                raise recipe.source.error(
                    (*place, "pattern"), f"a width of {width} is no multiple of {group}"
                )


def _check_distillation(
    recipe: Recipe,
    place: Place,
    settings: DistillationConfig,
    teacher: ExpectedShape,
    student: ExpectedShape,
    *families: Family,
) -> None:
    if settings.compares_layers or "mapping" in settings.ineffective():
        with recipe.blamed(*place, "mapping"):
            pair_layers(teacher.layers, student.layers, settings.mapping)
    behind = {shape.selects for shape in (teacher, student)} - {None}
    of_all_tokens = [*(LAYER_LOSSES if behind else ()), *(["embedding"] if 0 in behind else [])]
    for name in of_all_tokens:
        if getattr(settings, name):
            raise recipe.source.error(
                (*place, name),
                "can't compare tokens that `shorten` leaves out; put it after this step, or set 0",
            )
    compared: tuple[Capability, ...] = ("attention", "relations")
    for capability in compared:
        if getattr(settings, capability):
            with recipe.blamed(*place, capability):
                for family in families:
                    require(family, capability)
    if settings.attention:
        with recipe.blamed(*place, "attention"):
            group_heads(teacher.heads, student.heads)
    if settings.relations:
        widths = teacher.attention_width, student.attention_width
        for width in widths:
            if width % settings.relation_heads:
                raise recipe.source.error(
                    (*place, "relation_heads"),
                    f"{settings.relation_heads} does not divide an attention width of {width}",
                )
    if isinstance(settings, DistillConfig):
        with recipe.blamed(*place, "weights_schedule"):
            require_schedule(settings.weights_schedule)
            if settings.weights_schedule in SCHEDULES:
                check_schedule(settings.weights_schedule, settings.weights(), settings.epochs)


def _check_general(
    recipe: Recipe,
    place: Place,
    settings: GeneralDistillConfig,
    config: dict[str, Any],
    student: ExpectedShape,
    family: Family,
) -> None:
    with recipe.blamed(*place, "length"):  # its positions are those of the recipe's teacher
        require_positions(max_positions(config), settings.length, "the student")
    if settings.other_teacher is not None:
        with recipe.blamed(*place, "teacher"):
            config = read_config(find_folder(settings.other_teacher))
    with recipe.blamed(*place, "teacher"):
        other = family_of(config.get("model_type"))
        teacher = ExpectedShape.of(config)
        positions = max_positions(config)
    _check_distillation(recipe, place, settings, teacher, student, family, other)
    with recipe.blamed(*place, "length"):
        require_positions(positions, settings.length, "the teacher")
