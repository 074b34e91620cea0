"""The settings of `augment`."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, create_model, field_validator

from tinybert.base.errors import InputError, placed
from tinybert.steps.augment.knowledge import RuleConfig
from tinybert.steps.augment.methods.method import Method
from tinybert.steps.augment.methods.registry import METHODS
from tinybert.steps.base import Need, StepConfig
from tinybert.training.materials import Materials

if TYPE_CHECKING:
    _Methods = StepConfig
else:
    # `with` is no name that a class may give, and each method brings its own settings.
    _Methods = create_model(
        "_Methods",
        __base__=StepConfig,
        **{
            "with": (
                list[Literal[tuple(METHODS)]],
                Field(["words"], min_length=1, description="how texts are changed, by all of them"),
            )
        },
        **{
            method.key(): (
                method | None,
                Field(None, description=f"settings of `{name}`; default: its own"),
            )
            for name, method in METHODS.items()
            if method.model_fields
        },
    )


class AugmentConfig(_Methods):
    """Puts changed texts beside the training rows; the steps after it learn from both.

    None of them has labels, since a change may make another of them right: the teacher says.
    `docs/augmentation.md` says which method does what.
    """

    name: ClassVar[str] = "augment"
    function: ClassVar[str] = "tinybert.steps.augment.step:augment"
    works_on: ClassVar[Literal["rows"]] = "rows"

    copies: int | None = Field(
        None,
        gt=0,
        description="changed texts made of each by each method; default: "
        + ", ".join(f"{method.usual_copies} by `{name}`" for name, method in METHODS.items()),
    )
    protect: list[str] = Field(
        [], description="terms that never change, or .txt files with a term a line"
    )
    rules: list[RuleConfig] = Field(
        [],
        description="patterns of what must not change; those with a label are for "
        "`tinybert augment`, as here the teacher labels all texts",
    )

    @field_validator("with", check_fields=False)
    @classmethod
    def _each_once(cls, names: list[str]) -> list[str]:
        if repeated := [name for place, name in enumerate(names) if name in names[:place]]:
            raise ValueError(f"{repeated[0]} is there twice; for more texts, set copies")
        return names

    @property
    def methods(self) -> list[Method]:
        """The settings of each method that it takes, in order."""
        names: list[str] = getattr(self, "with")
        return [getattr(self, METHODS[name].key(), None) or METHODS[name]() for name in names]

    @property
    def work(self) -> list[tuple[Method, int]]:
        """The methods, each with the number of texts that it makes of one."""
        return [(method, self.copies or method.usual_copies) for method in self.methods]

    def effects(self) -> dict[str, tuple[bool, str]]:
        """The settings of a method may be there without it."""
        names: list[str] = getattr(self, "with")
        return {
            method.key(): (name in names, f"{name} is not in `with`")
            for name, method in METHODS.items()
            if method.model_fields
        }

    def needs(self, corpus: bool) -> set[Need]:
        """There is nothing to change without rows."""
        return {"rows"}

    def rows_after(self, rows: int) -> int:
        """Each of the rows and its copies; some copies turn out alike."""
        return rows * (1 + sum(copies for _, copies in self.work))

    def read(self, materials: Materials) -> list[str]:
        """Refuses rows that its methods can't change; checks and hashes what these read."""
        from tinybert.steps.augment.make import check_methods
        from tinybert.steps.augment.split import WordSplitter, changeable

        check_methods([type(method) for method in self.methods], materials.task)
        for place, rule in enumerate(self.rules):
            if rule.label is not None:
                with placed("rules", place, "label"):
                    raise InputError(
                        "rules label no texts of a recipe, whose teacher labels them all: leave "
                        "it out, or write the rows by `tinybert augment` and learn from them with "
                        "distill.label"
                    )
        if "words" in getattr(self, "with") and materials.train is not None:
            changeable(materials.train.texts, WordSplitter(materials.tokenizer))
        return self.read_files(materials.teacher)

    def read_files(self, model: str | None) -> list[str]:
        """Checks what its methods and its knowledge are read from, and gives hashes of that.

        Args:
            model: Path or hub id of the teacher; None where there is none.

        Raises:
            InputError: Something is missing; a `PlacedError` with the key.
        """
        from tinybert.base.files import hash_value
        from tinybert.steps.augment.knowledge import read_knowledge

        known = read_knowledge(self.protect, self.rules)
        hashes = [hash_value(list(known.terms))] if known.terms else []
        for method in self.methods:
            with placed(method.key()):
                hashes += method.read(model)
        return hashes
