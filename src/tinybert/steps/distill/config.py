"""The settings of `distill`."""

from typing import ClassVar

from tinybert.base.errors import PlacedError
from tinybert.distillation.check import (
    check_foreign,
    check_layers,
    check_weights_schedule,
    read_distillation,
    run_schedule,
)
from tinybert.distillation.config import DistillConfig
from tinybert.steps.base import Need, StepConfig
from tinybert.steps.choice import Choice
from tinybert.steps.expected import Expected, Plan
from tinybert.training.materials import Materials


class DistillStepConfig(DistillConfig, StepConfig):
    """Trains the student to do on the task's rows as the teacher does.

    With predictions alone the teacher is asked once, and its answers are kept. Losses between
    layers bring the student nearer to it (`relations: 1, mapping: last` most, for half as much time
    again); the metric hardly shows it. They say little about a student that starts at random.
    """

    name: ClassVar[str] = "distill"
    function: ClassVar[str] = "tinybert.distillation.on_rows:distill"
    trains: ClassVar[bool] = True

    @property
    def opens_layers(self) -> bool:
        """It may compare them."""
        return True

    def tunes(self) -> dict[str, Choice]:
        """How fast, how long, by which losses and from how soft labels it learns.

        What is usual is tried first, and needs neither labels nor layers that compare.
        """
        rates = ({"learning_rate": rate} for rate in (5e-5, 1e-4, 2e-4, 4e-4))
        layers = ({"hidden": 1.0}, {"relations": 1.0, "mapping": "last"}, {"relations": 0.0})
        return {
            "label": Choice(({"label": 0.5}, {"label": 0.0}), (0.2, 0.0)),
            # Where tokens are left out or widths don't divide, the losses that can't be are not.
            "layers": Choice(layers, (0.4, 0.2, 0.0)),
            "learning_rate": Choice((*rates,), (0.4, 0.0, 0.2, 0.4)),
            "epochs": Choice(({"epochs": 2.0}, {"epochs": 3.0}, {"epochs": 5.0}), (0.4, 0.0, 0.2)),
            "temperature": Choice(
                ({"temperature": 2.0}, {"temperature": 4.0}, {"temperature": 8.0}), (0.2, 0.0, 0.2)
            ),
        }

    @property
    def distills(self) -> bool:
        """Always: that is what it does."""
        return True

    @property
    def learns_predictions(self) -> bool:
        """Unless they have no weight."""
        return self.prediction > 0

    def needs(self, corpus: bool) -> set[Need]:
        """Rows, and their labels where these count."""
        return {"rows", "labels"} if self.learns_labels else {"rows"}

    def check(self, before: Expected, plan: Plan) -> Expected:
        """It needs a student that can be compared with the teacher."""
        before.require_student()
        if self.learns_labels:
            before.require_labels()
        if before.foreign:
            check_foreign(self)
        if before.shape is not None and plan.teacher is not None:
            check_weights_schedule(self)
            if not before.foreign:
                check_layers(self, plan.teacher, before.shape)
        return super().check(before, plan)

    def check_code(self) -> None:
        """Runs a user's own schedule."""
        run_schedule(self)

    def read(self, materials: Materials) -> list[str]:
        """Checks the other teachers, and that there are labels where they count."""
        rows = materials.train
        if self.label and rows is not None and rows.labels is None:
            raise PlacedError(f"{rows.source}: has no labels to learn from", ("label",))
        return read_distillation(self, materials)
