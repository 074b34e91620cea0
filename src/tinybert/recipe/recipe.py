"""What to do: a typed recipe, from YAML or a mapping, checked before anything runs."""

import contextlib
import copy
import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import Field, ValidationError

from tinybert.base.errors import PlacedError, cut, placed, short
from tinybert.recipe.budget import BudgetConfig
from tinybert.recipe.source import RecipeSource
from tinybert.steps.base import StepConfig
from tinybert.steps.expected import Expected, Plan
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.registry import STEPS
from tinybert.training.section import Config


class DataConfig(Config):
    """Which rows, and which of their columns."""

    train: str | None = Field(None, description="DATA to train on")
    eval: str | None = Field(
        None,
        description="DATA to measure on, or a share of the training rows that is held out of them, "
        "such as 10%; default: train's own evaluation split",
    )
    text: str | list[str] | None = Field(
        None, description="the column of the sentence, or the two of a pair; default: the task's"
    )
    label: str | list[str] | None = Field(
        None,
        description="the column of the label, or of several labels the columns of 0 and 1, one a "
        "label; default: the task's",
    )
    soft_labels: str | list[str] | dict[str, str] | None = Field(
        None,
        description="how likely each label is by an API, an ensemble or people, which is learned "
        "in place of the teacher's predictions: columns of the rows, one a label and called as it "
        "is, or {label: column}; or a file with such columns, a row for each training row",
    )
    unlabeled: list[str] = Field(
        [],
        description="the corpus of `general-distill`, `add-texts` and `trim-vocabulary`: .txt, "
        ".jsonl (both also .gz) or .parquet files, patterns of them, or hub ids",
    )
    max_length: int = Field(128, gt=0, description="tokens that a row is cut to")


@dataclass(frozen=True)
class Step:
    """One step of a recipe.

    Attributes:
        name: As in `STEPS`.
        config: Its settings, every default filled in.
    """

    name: str
    config: StepConfig


class RecipeHead(Config):
    """What a recipe says beside its steps."""

    teacher: str = Field(description="path or hub id")
    task: str | dict[str, Any] = Field(description="a kind, a GLUE task, or {kind: ..., options}")
    data: DataConfig = Field(DataConfig(), description="the rows")
    seed: int = Field(0, ge=0, lt=2**31, description="of everything random")
    export: list[str] = Field(["onnx"], min_length=1, description="targets")
    budget: BudgetConfig | None = Field(
        None, description="what the result has to keep; the steps are then what may be varied"
    )


@dataclass(frozen=True)
class Recipe:
    """A checked recipe.

    Attributes:
        teacher: Path or hub id.
        task: A kind, a data set that we know, or a mapping with options.
        data: The rows.
        seed: Of everything random.
        steps: In the order in which they run.
        export: Names of targets.
        budget: What the result has to keep; None where nothing is asked.
        source: Where it was written, for messages.
    """

    teacher: str
    task: str | dict[str, Any]
    data: DataConfig
    seed: int
    steps: tuple[Step, ...]
    export: tuple[str, ...]
    budget: BudgetConfig | None
    source: RecipeSource = field(repr=False, compare=False)

    @classmethod
    def read(cls, path: str | Path, overrides: Sequence[str] = ()) -> "Recipe":
        """Reads a YAML file.

        Args:
            path: The file.
            overrides: "path.to.key=value" each, as `--set` takes them. A step is named by its
                place ("steps.0.finetune.epochs") or by its name ("steps.distill.epochs",
                which sets all steps of that name).

        Raises:
            InputError: With the line in the file.
        """
        return cls._checked(RecipeSource.read(Path(path)), overrides)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], overrides: Sequence[str] = ()) -> "Recipe":
        """Checks a mapping of the same form as the YAML.

        Raises:
            InputError: With the path of the key.

        Example:
            >>> recipe = Recipe.from_mapping({"teacher": "t", "task": "glue/sst-2",
            ...     "data": {"train": "SST-2"}, "steps": [{"finetune": {"epochs": 1}}]})
            >>> recipe.steps[0].config.batch_size
            32
        """
        return cls._checked(RecipeSource(copy.deepcopy(dict(values)), "recipe"), overrides)

    @classmethod
    def _checked(cls, source: RecipeSource, overrides: Sequence[str]) -> "Recipe":
        for override in overrides:
            source.override(override)
        # `steps:` with nothing below it is as good as no `steps:`.
        values = {key: value for key, value in source.values.items() if value is not None}
        raw_steps = values.pop("steps", [])
        head = validate(RecipeHead, values, source, ())
        if not isinstance(raw_steps, list):
            raise source.error(("steps",), "expected a list of steps")
        steps = tuple(_read_step(raw, source, index) for index, raw in enumerate(raw_steps))
        recipe = cls(
            *(head.teacher, head.task, head.data, head.seed, steps, tuple(head.export)),
            budget=_timed_as_cut(head, source),
            source=source,
        )
        recipe.follow(Plan(head.data.max_length))
        return recipe

    @property
    def quantize(self) -> QuantizeConfig | None:
        """How the exported files are quantized, if they are."""
        last = self.steps[-1].config if self.steps else None
        # The recipe lets nothing follow such a step.
        return last if last is not None and last.works_on == "artifact" else None  # type: ignore[return-value]

    def resolved(self) -> dict[str, Any]:
        """The recipe with every default, ready for YAML or JSON."""
        budget = {} if self.budget is None else {"budget": self.budget.model_dump()}
        return {
            "teacher": self.teacher,
            "task": self.task,
            "data": self.data.model_dump(),
            "seed": self.seed,
            "steps": [{step.name: step.config.model_dump()} for step in self.steps],
            "export": list(self.export),
            **budget,
        }

    def effective(self) -> dict[str, Any]:
        """The recipe with every default but those of options that change nothing beside others."""
        found = self.resolved()
        found["steps"] = [{step.name: step.config.effective()} for step in self.steps]
        if self.budget is not None:
            found["budget"] = self.budget.effective()
        return found

    def given(self) -> dict[str, Any]:
        """The recipe without defaults: what was written, and so what a search leaves alone."""
        budget = {} if self.budget is None else {"budget": _given(self.budget)}
        return {
            "teacher": self.teacher,
            "task": self.task,
            "data": _given(self.data),
            "seed": self.seed,
            "steps": [{step.name: _given(step.config)} for step in self.steps],
            "export": list(self.export),
            **budget,
        }

    def follow(self, plan: Plan) -> Expected:
        """What is expected of the model at the end; every step says whether it can come there.

        Raises:
            InputError: One can't, with its line.
        """
        expected = Expected(plan.teacher)
        for index, step in enumerate(self.steps):
            with self.placed("steps", index, step.name):
                expected = step.config.check(expected, plan)
        return expected

    @contextlib.contextmanager
    def placed(self, *place: str | int) -> Iterator[None]:
        """Adds to the errors of a block which line of the recipe they come from."""
        try:
            with placed(*place):
                yield
        except PlacedError as error:
            raise self.source.error(error.place, str(error)) from None

    def to_yaml(self) -> str:
        """The resolved recipe as YAML."""
        return yaml_text(self.resolved())


def yaml_text(values: Mapping[str, Any]) -> str:
    """A recipe's values as YAML, in their order."""
    return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True)


def _given(config: Config) -> dict[str, Any]:
    return config.model_dump(exclude_unset=True)


def _timed_as_cut(head: RecipeHead, source: RecipeSource) -> BudgetConfig | None:
    """The budget, whose batch has no longer rows than texts are ever cut to."""
    budget, most = head.budget, head.data.max_length
    if budget is None or budget.length <= most or not budget.is_timed:
        return budget
    if "length" in budget.model_fields_set:
        raise source.error(
            ("budget", "length"),
            f"{budget.length}: texts are cut to data.max_length ({most})",
        )
    return budget.model_copy(update={"length": most})


def _read_step(raw: Any, source: RecipeSource, index: int) -> Step:
    place = ("steps", index)
    if isinstance(raw, str):
        raw = {raw: {}}
    if not isinstance(raw, Mapping) or len(raw) != 1:
        raise source.error(place, "expected one step, such as '- distill: {epochs: 3}'")
    name, settings = next(iter(raw.items()))
    if name not in STEPS:
        raise source.error((*place, name), f"unknown step{_suggest(str(name), STEPS)}")
    settings = {} if settings is None else settings
    return Step(name, validate(STEPS[name], settings, source, (*place, name)))


def validate(
    config: type[Config], values: Any, source: RecipeSource, place: tuple[str | int, ...]
) -> Any:
    """A section's settings, checked.

    Args:
        config: Of the section.
        values: As read.
        source: Where they were written.
        place: The section in it.

    Raises:
        InputError: A key is unknown or missing, or a value is wrong, with its line.
    """
    if not isinstance(values, Mapping):
        raise source.error(place, f"expected a mapping of settings, got {short(values)}")
    try:
        return config.model_validate(dict(values), strict=True)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        # A mistyped key is the cause of a missing one. Of the alternatives of a union, the one
        # that was meant is that whose error lies deepest.
        first = min(errors, key=lambda each: (each["type"] != "extra_forbidden", -len(each["loc"])))
        # A union's location ends with the name of the alternative, which is no key of the file.
        loc, unknown = first["loc"], first["type"] == "extra_forbidden"
        keys = [key for key in loc[:-1] if not _is_type_name(key)]
        # A key that the user made up may look like the name of a type.
        keys += [key for key in loc[-1:] if unknown or not _is_type_name(key)]
        where = (*place, *keys)
        if unknown:
            fields = _section(config, keys[:-1]).model_fields
            message = f"unknown key{_suggest(str(keys[-1]), fields)}"
        elif first["type"] == "missing":
            fields = _section(config, keys[:-1]).model_fields
            message = f"is missing; it is: {fields[str(keys[-1])].description}"
        elif first["type"] == "model_type":
            message = f"expected a mapping of settings, got {short(first['input'])}"
        elif first["type"] == "value_error":
            message = str(first["ctx"]["error"])
        else:
            message = f"{first['msg'][0].lower()}{first['msg'][1:]}, got {short(first['input'])}"
        raise source.error(where, message) from None


def _section(config: type[Config], keys: Sequence[str | int]) -> type[Config]:
    """The settings that a place within `config` holds."""
    section: Any = config
    for key in keys:
        if isinstance(key, str):  # a number is a place in the list that the key before names
            section = section.model_fields[key].annotation
            section = next(iter(get_args(section)), section)
    return section


def _is_type_name(key: str | int) -> bool:
    return isinstance(key, str) and (key in ("str", "bool", "int", "constrained-int") or "[" in key)


def _suggest(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(cut(name), known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"
