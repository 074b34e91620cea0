"""A step's settings, which answer for the step: what it needs, refuses, reads and leaves."""

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from tinybert.base.errors import InputError, placed
from tinybert.families import Capability, find_family, require
from tinybert.steps.choice import Choice
from tinybert.steps.expected import Expected, Plan
from tinybert.training.materials import Materials
from tinybert.training.section import Config

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from tinybert.tasks.task import Task

Need = Literal["rows", "labels"]


class StepConfig(Config):
    """The settings of a step.

    A new step is a folder with a subclass of this and the function that it names, and a line in
    `tinybert.steps.registry`. Settings are read without PyTorch: what needs it is imported where
    it is used.

    Attributes:
        name: What a recipe calls the step.
        function: "module:name" of what it does; see `works_on`.
        works_on: "model": `config + model + context → model`, in PyTorch.
            "vocabulary": `config + model + context → model, tokenizer, kept ids`.
            "rows": `config + model + context → texts`, which take the place of the training rows.
            "artifact": as "model", where the settings say that it `prepares`; what it is exported
            to is then quantized by these settings.
        trains: Whether it trains, which all processes of a run do together.
        shrinks: Whether it makes the model smaller or coarser. What the model was before the
            first such step is the teacher of all that follow.
        keeps_weights: Whether it shrinks what is computed and leaves the weights as they are.
        new_head: Whether the model that it works on may lack the task's head, and gets a new one.
    """

    name: ClassVar[str]
    function: ClassVar[str]
    works_on: ClassVar[Literal["model", "vocabulary", "rows", "artifact"]] = "model"
    trains: ClassVar[bool] = False
    shrinks: ClassVar[bool] = False
    keeps_weights: ClassVar[bool] = False
    new_head: ClassVar[bool] = False

    @property
    def opens_layers(self) -> bool:
        """Whether it looks into the model's layers, whose family must be known."""
        return False

    @property
    def prepares(self) -> bool:
        """Whether it works on the model, and not on the exported files alone."""
        return True

    @property
    def works(self) -> bool:
        """Whether there is anything to do before the export."""
        return self.works_on == "rows" or self.prepares

    @property
    def distills(self) -> bool:
        """Whether it trains the model by distillation from the run's teacher."""
        return False

    @property
    def begins_with(self) -> str | None:
        """The path or hub id of a model that it works on in place of the one before."""
        return None

    @property
    def learns_predictions(self) -> bool:
        """Whether soft labels that come with the rows are learned in place of predictions."""
        return False

    @property
    def depends_on_export(self) -> bool:
        """Whether its result depends on the files that the run ends in."""
        return False

    @property
    def reads_corpus(self) -> bool:
        """Whether it reads `data.unlabeled`."""
        return False

    def asks(self) -> dict[str, tuple[Capability, ...]]:
        """What it asks of the model's family, by the key that asks for it."""
        return {}

    def needs(self, corpus: bool) -> set[Need]:
        """What it needs of the training rows.

        Args:
            corpus: Whether the recipe names a corpus.
        """
        return set()

    def check(self, before: Expected, plan: Plan) -> Expected:
        """What is expected after the step; refuses what it can't work on.

        Raises:
            InputError: It can't; a `PlacedError` where one of its keys is at fault.
        """
        if before.exported_by is not None:
            raise InputError(
                f"can't follow `{before.exported_by}`, which works on the exported files"
            )
        shape = before.shape
        family = find_family(shape.model_type if shape else plan.config.get("model_type"))
        if family is not None:
            for key, capabilities in self.asks().items():
                with placed(key):
                    require(family, *capabilities)
        fills = self.works_on == "model" and not self.keeps_weights
        if before.zeros_by is not None and (fills or self.distills):
            raise InputError(
                f"would fill the weights that the `{before.zeros_by}` before it sets to 0; let "
                "that step train, prune: {distill: {...}}, and put it last"
            )
        return replace(
            before,
            shrunk_by=before.shrunk_by or (self.name if self.shrinks else None),
            rows_by=self.name if self.works_on == "rows" else before.rows_by,
            trimmed_by=before.trimmed_by or (self.name if self.works_on == "vocabulary" else None),
            exported_by=self.name if self.works_on == "artifact" else None,
            untrained=before.untrained and not self.trains,
        )

    def choices(self, plan: Plan) -> dict[str, Choice]:
        """What a search may set of it, by a name for each, where the recipe does not say.

        Args:
            plan: With the teacher's config.json and shape.
        """
        return {}

    def tunes(self) -> dict[str, Choice]:
        """What a search may set of its training, where the budget asks to tune that too."""
        return {}

    def open_choices(self, plan: Plan, *, tune: bool = False) -> dict[str, Choice]:
        """What of `choices` the recipe left to its defaults.

        Args:
            plan: With the teacher's config.json and shape.
            tune: Whether its training is tuned too.
        """
        found = self.choices(plan) | (self.tunes() if tune else {})
        return {
            name: choice
            for name, choice in found.items()
            if not any(self.model_fields_set & setting.keys() for setting in choice.settings)
        }

    def shortened(self, share: float) -> Self:
        """The same with that share of its training, for a first look at what it comes to.

        Args:
            share: Above 0; more than 1 trains for longer.
        """
        epochs = getattr(self, "epochs", None)
        if epochs is None:
            return self
        # Rounded for whoever reads the recipe.
        return self.model_copy(update={"epochs": max(round(epochs * share, 4), 1e-4)})

    def rows_after(self, rows: int) -> int:
        """About how many training rows the steps after it learn from.

        Args:
            rows: Those before it.
        """
        return rows

    def check_code(self) -> None:
        """Runs what it names of a user's own code, to see whether it does what it must.

        Raises:
            InputError: It does not.
        """

    def read(self, materials: Materials) -> list[str]:
        """Checks what it reads beside its settings, and gives hashes of that.

        Raises:
            InputError: Something is missing or does not go together.
        """
        task = materials.task
        if self.works_on == "rows" and not task.learns_from_texts:
            raise InputError(
                f"makes texts, and what is right of {task.kind} are words, whose places it would "
                "lose; leave this step out"
            )
        return []

    def materials_after(self, materials: Materials) -> Materials:
        """What the steps after it can look at.

        Args:
            materials: What it could look at itself.
        """
        return replace(materials, train=None) if self.works_on == "rows" else materials

    def load_teacher(self, given: Path, task: "Task") -> "PreTrainedModel | None":
        """A teacher of its own, where it does not learn from that of the run.

        Args:
            given: Folder of the recipe's teacher.
            task: Of the run.
        """
        return None

    def load(self) -> Callable[..., Any]:
        """Imports the function."""
        module, _, name = self.function.partition(":")
        loaded: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return loaded
