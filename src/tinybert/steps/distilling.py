"""Steps that change a model while it learns from its teacher, under their key `distill`."""

from typing import Self

from tinybert.base.errors import InputError, placed
from tinybert.distillation.check import (
    check_foreign,
    check_layers,
    check_weights_schedule,
    read_distillation,
    run_schedule,
)
from tinybert.distillation.config import DistillConfig
from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.steps.base import Need, StepConfig
from tinybert.steps.expected import Expected, Plan
from tinybert.training.materials import Materials


class DistillingConfig(StepConfig):
    """The settings of a step that may hold those of a distillation, under `distill`."""

    @property
    def within(self) -> DistillConfig | None:
        """The distillation that the step does; None where it does none."""
        raise NotImplementedError

    @property
    def distills(self) -> bool:
        """Where there is one."""
        return self.within is not None

    @property
    def learns_predictions(self) -> bool:
        """Where it distils them."""
        return self.within is not None and self.within.prediction > 0

    def shortened(self, share: float) -> Self:
        """The same with that share of its distillation."""
        if self.within is None:
            return self
        within = self.within.model_copy(update={"epochs": self.within.epochs * share})
        return self.model_copy(update={"distill": within})

    def needs(self, corpus: bool) -> set[Need]:
        """Rows to learn from, and their labels where these count."""
        if self.within is None:
            return set()
        return {"rows", "labels"} if self.within.learns_labels else {"rows"}

    def check_within(self, before: Expected, plan: Plan, student: ExpectedShape | None) -> None:
        """Refuses a distillation that can't be.

        Args:
            before: What is expected before the step.
            plan: Of the run.
            student: The shape that learns.

        Raises:
            InputError: It needs labels, layers or a schedule that are not there.
        """
        if self.within is None:
            return
        if self.within.learns_labels:
            before.require_labels()
        if self.within.early_stopping is not None:
            with placed("distill", "early_stopping"):
                raise InputError(
                    f"`{self.name}` changes the model while it trains, so that no earlier weights "
                    "can be kept; leave it out"
                )
        if before.foreign:
            with placed("distill"):
                check_foreign(self.within)
        if student is not None and plan.teacher is not None:
            with placed("distill"):
                check_weights_schedule(self.within)
                if not before.foreign:
                    check_layers(self.within, plan.teacher, student)

    def check_code(self) -> None:
        """Runs a user's own schedule."""
        if self.within is not None:
            with placed("distill"):
                run_schedule(self.within)

    def unused_options(self) -> dict[str, str]:
        """Options of the distillation."""
        found = {} if self.within is None else self.within.unused_options()
        return {f"distill.{option}": reason for option, reason in found.items()}

    def read(self, materials: Materials) -> list[str]:
        """Checks the other teachers of the distillation."""
        if self.within is None:
            return []
        with placed("distill"):
            return read_distillation(self.within, materials)
