"""The settings of `shorten`."""

from dataclasses import replace
from math import log
from typing import Any, ClassVar

from pydantic import Field

from tinybert.base.errors import InputError, PlacedError
from tinybert.families import Capability
from tinybert.steps.base import Need, StepConfig
from tinybert.steps.choice import LEFT_OUT, Choice
from tinybert.steps.expected import Expected, Plan
from tinybert.training.materials import Materials


class ShortenConfig(StepConfig):
    """Layers compute those tokens of a long text that decide most of what the model says.

    A text of no more tokens than `positions` is computed as it was. What longer ones lose is won
    back by a `distill` step after it.
    """

    name: ClassVar[str] = "shorten"
    function: ClassVar[str] = "tinybert.steps.shorten.step:shorten"
    shrinks: ClassVar[bool] = True
    keeps_weights: ClassVar[bool] = True

    layer: int = Field(
        1,
        ge=0,
        description="behind which some tokens go on: what it makes of a text says which; 0: the "
        "embeddings alone, which is fastest",
    )
    positions: int = Field(
        32, ge=2, description="that go on at most: the first, and those of the most influence"
    )
    calibration_rows: int = Field(
        3000,
        gt=0,
        description="training rows that show what has an influence, of those that are shortened "
        "where there are as many",
    )

    @property
    def opens_layers(self) -> bool:
        """It puts something between them."""
        return True

    def asks(self) -> dict[str, tuple[Capability, ...]]:
        """Layers that can go on with some tokens only."""
        return {"layer": ("shorten",)}

    def choices(self, plan: Plan) -> dict[str, Choice]:
        """How many tokens go on and from where, or all of them."""
        whole = plan.max_length
        settings: list[dict[str, Any]] = []
        losses = []
        for positions in sorted({whole // 4, whole // 2} - {0, 1}):
            for layer in (0, 1):
                settings.append({"layer": layer, "positions": positions})
                losses.append((1.5 - 0.5 * layer) * log(whole / positions) ** 2 / 2)
        return {"positions": Choice((*settings, LEFT_OUT), (*losses, 0.0))}

    def needs(self, corpus: bool) -> set[Need]:
        """Rows show which tokens have an influence."""
        return {"rows"}

    def check(self, before: Expected, plan: Plan) -> Expected:
        """Some tokens go on behind its layer, which must be there."""
        after = super().check(before, plan)
        if before.shape is None:
            return after
        if before.untrained:
            raise InputError(
                "chooses the tokens that the model's answers depend on, and this student's head is "
                "random: put it after `distill`, and another `distill` after it"
            )
        if before.shape.selects is not None:
            raise InputError("layers compute some tokens only already")
        if self.layer >= before.shape.layers:
            raise PlacedError(
                f"no layer comes after it; the model has {before.shape.layers}", ("layer",)
            )
        if self.positions >= plan.max_length:
            raise PlacedError(
                f"nothing would be left out: texts have {plan.max_length} tokens at most "
                "(data.max_length)",
                ("positions",),
            )
        shape = replace(before.shape, selects=self.layer, selected=self.positions)
        return replace(after, shape=shape)

    def read(self, materials: Materials) -> list[str]:
        """Refuses a task whose head reads what would be left out."""
        task = materials.task
        if task.reads != "first":
            raise InputError(
                f"leaves out tokens of long texts, and the head of {task.kind} reads "
                f"{'all of them' if task.reads == 'all' else 'the last'}; leave this step out"
            )
        return super().read(materials)
