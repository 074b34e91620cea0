"""What a recipe comes to with its teacher: refused before hours of work where it can't be."""

from typing import Any

from tinybert.families import find_family
from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.modeling.hub import find_folder
from tinybert.recipe.recipe import Recipe
from tinybert.runtime.config import max_positions, require_positions
from tinybert.steps.expected import Expected, Plan


def plan(recipe: Recipe, config: dict[str, Any]) -> Expected:
    """What is expected of the model at the end of a recipe.

    Args:
        recipe: Whose steps are followed.
        config: The teacher's config.json.

    Raises:
        InputError: A step can't come where it stands, with the line in the recipe.
    """
    with recipe.placed("teacher"):
        positions = max_positions(config)
    with recipe.placed("data", "max_length"):
        require_positions(positions, recipe.data.max_length, "the teacher")
    opens = any(step.config.opens_layers for step in recipe.steps)
    # Of a student that is made of another model, the teacher's answers alone are wanted.
    based = any(step.config.begins_with for step in recipe.steps)
    teacher, folder = None, find_folder(recipe.teacher) if based else None
    if opens and not (based and find_family(config.get("model_type")) is None):
        with recipe.placed("teacher"):
            teacher = ExpectedShape.of(config)
    return recipe.follow(Plan(recipe.data.max_length, config, teacher, folder))


def check_users_code(recipe: Recipe) -> None:
    """Runs what a recipe names of a user's own code, to see whether it does what it must.

    Apart from `plan`, since a recipe that is only looked at must not run anything.

    Raises:
        InputError: With the line in the recipe.
    """
    for index, step in enumerate(recipe.steps):
        with recipe.placed("steps", index, step.name):
            step.config.check_code()
