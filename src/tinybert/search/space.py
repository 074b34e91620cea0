"""All that a recipe leaves open, and the recipes that it can become."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from pydantic import ValidationError

from tinybert.base.errors import InputError
from tinybert.formats.registry import FORMATS
from tinybert.recipe.recipe import Recipe, Step
from tinybert.steps.base import StepConfig
from tinybert.steps.choice import LEFT_OUT, Choice
from tinybert.steps.expected import Plan
from tinybert.training.materials import Materials
from tinybert.training.section import Config

Place = tuple[int, str]
"""A step of the recipe and one of its choices."""

Candidate = tuple[int, ...]
"""Which setting each choice has, in the order of `Space.choices`; 0 is the cheapest."""


@dataclass(frozen=True)
class Space:
    """What a search may vary.

    Attributes:
        recipe: Whose steps are varied, with a budget.
        choices: By place, what can be chosen.
        reads: For each step, hashes of what it reads beside its settings, once that is known.
    """

    recipe: Recipe
    choices: Mapping[Place, Choice]
    reads: tuple[list[str], ...] = ()

    @classmethod
    def of(cls, recipe: Recipe, plan: Plan) -> "Space":
        """What the steps of a recipe leave open: whatever they give stays as it is."""
        tune = recipe.budget is not None and recipe.budget.tune
        return cls(
            recipe,
            {
                (index, name): choice
                for index, step in enumerate(recipe.steps)
                for name, choice in step.config.open_choices(plan, tune=tune).items()
            },
        )

    def readable(self, materials: Materials) -> "Space":
        """Without what can't be with these rows and this tokenizer, as a vocabulary too small.

        Raises:
            InputError: Nothing can be, of one of the choices.
        """
        left, reads = {}, []
        for index, step in enumerate(self.recipe.steps):
            with self.recipe.placed("steps", index, step.name):
                own = {place: each for place, each in self.choices.items() if place[0] == index}
                found: list[str] = [] if own else step.config.read(materials)
                for place, choice in own.items():
                    left[place], found = _readable(step, choice, materials, self.recipe.export)
            reads.append(found)
            materials = step.config.materials_after(materials)
        return Space(self.recipe, left, tuple(reads))

    @property
    def names(self) -> tuple[str, ...]:
        """What each choice is called, such as "1.student.layers"."""
        return tuple(
            f"{index}.{self.recipe.steps[index].name}.{name}" for index, name in self.choices
        )

    @property
    def first(self) -> int:
        """How many steps make the teacher: those before the first that candidates may change."""
        for number, step in enumerate(self.recipe.steps):
            if step.config.shrinks or step.config.works_on == "rows":
                return number
        return len(self.recipe.steps)

    @property
    def largest(self) -> Candidate:
        """The dearest of all."""
        return tuple(len(choice.settings) - 1 for choice in self.choices.values())

    @cached_property
    def growing(self) -> tuple[int, ...]:
        """The places in a candidate of what takes the rest of a budget."""
        return tuple(at for at, choice in enumerate(self.choices.values()) if choice.grows)

    def at_random(self, seed: int) -> Iterator[Candidate]:
        """Candidates without end, each choice drawn evenly."""
        dice = random.Random(seed)
        while True:
            yield tuple(dice.randrange(len(each.settings)) for each in self.choices.values())

    def expected_loss(self, candidate: Candidate) -> float:
        """What it is thought to lose, in hundredths of the teacher's metric, unmeasured."""
        pairs = zip(self.choices.values(), candidate, strict=True)
        return sum(choice.losses[place] for choice, place in pairs)

    def settings(self, candidate: Candidate) -> dict[str, Mapping[str, object]]:
        """What a candidate chooses, by the names of the choices."""
        pairs = zip(self.choices.values(), candidate, strict=True)
        found = (choice.settings[place] for choice, place in pairs)
        return dict(zip(self.names, found, strict=True))

    def recipe_of(self, candidate: Candidate, share: float = 1.0) -> Recipe:
        """The recipe that a candidate is, each of its settings given.

        Args:
            candidate: Of this space.
            share: Of its training, and never of its teacher's.

        Raises:
            InputError: Its settings don't go together.
        """
        steps = []
        for index, step in self._steps_of(candidate):
            with self.recipe.placed("steps", index, step.name):
                config = _valid(step.config)
                steps.append(
                    Step(step.name, config if index < self.first else config.shortened(share))
                )
        return replace(self.recipe, steps=tuple(steps))

    def reads_of(self, candidate: Candidate) -> list[list[str]]:
        """What each step of `recipe_of` reads beside its settings."""
        return [self.reads[index] for index, _ in self._steps_of(candidate)]

    def _steps_of(self, candidate: Candidate) -> Iterator[tuple[int, Step]]:
        """The steps that a candidate does, with their numbers in the recipe."""
        chosen: dict[int, list[Mapping[str, object]]] = {}
        for (index, _), choice, place in zip(
            self.choices, self.choices.values(), candidate, strict=True
        ):
            chosen.setdefault(index, []).append(choice.settings[place])
        for index, step in enumerate(self.recipe.steps):
            given = chosen.get(index, [])
            if not any(setting is LEFT_OUT for setting in given):
                for setting in given:
                    step = set_keys(step, setting)
                yield index, step


def _readable(
    step: Step, choice: Choice, materials: Materials, targets: Sequence[str]
) -> tuple[Choice, list[str]]:
    """The settings of a choice that can be, and the hashes of what the step reads then."""
    places, refused, found = [], None, []
    for place, setting in enumerate(choice.settings):
        try:
            if setting is not LEFT_OUT:
                config = set_keys(step, setting).config
                for target in targets if config.works_on == "artifact" else ():
                    FORMATS[target].load("quantize").check(config)
                found = config.read(materials)
            places.append(place)
        except InputError as error:
            refused = error
    if refused is not None and not places:
        raise refused
    return choice.only(places), found


def set_keys(step: Step, setting: Mapping[str, object]) -> Step:
    """A step with some of its keys set, or keys of a section, which need not go together yet."""
    values: dict[str, object] = {}
    for key, value in setting.items():
        section = getattr(step.config, key)
        if isinstance(value, Mapping) and isinstance(section, Config):
            value = section.model_copy(update={**value})
        values[key] = value
    return Step(step.name, step.config.model_copy(update=values))


def _valid(config: StepConfig) -> StepConfig:
    """Settings that go together.

    Raises:
        InputError: They don't.
    """
    try:
        return type(config).model_validate(config.model_dump(exclude_unset=True), strict=True)
    except ValidationError as error:
        raise InputError(error.errors(include_url=False)[0]["msg"]) from None
