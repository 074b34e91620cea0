"""The settings of `finetune`."""

from typing import ClassVar

from tinybert.steps.base import Need, StepConfig
from tinybert.steps.expected import Expected, Plan
from tinybert.training.config import TrainingConfig


class FinetuneConfig(TrainingConfig, StepConfig):
    """Trains all weights on the task's labels, as BERT's paper does (section 4.1).

    Of rows with soft labels (`data.soft_labels`) it learns these.
    """

    name: ClassVar[str] = "finetune"
    function: ClassVar[str] = "tinybert.steps.finetune.step:finetune"
    trains: ClassVar[bool] = True
    new_head: ClassVar[bool] = True

    @property
    def learns_predictions(self) -> bool:
        """Soft labels are as good as a teacher's."""
        return True

    def needs(self, corpus: bool) -> set[Need]:
        """It trains on them."""
        return {"rows", "labels"}

    def check(self, before: Expected, plan: Plan) -> Expected:
        """It needs labels."""
        before.require_labels()
        return super().check(before, plan)
