"""The settings of `finetune`."""

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from tinybert.base.errors import InputError, placed
from tinybert.families import find_family
from tinybert.steps.base import Need, StepConfig
from tinybert.steps.expected import Expected, Plan
from tinybert.training.config import TrainingConfig
from tinybert.training.materials import Materials
from tinybert.training.rows_check import check_rows
from tinybert.training.rows_config import RowsConfig

CONTRASTIVE_EPOCHS = 40
"""As many passes as SetFit's 20 pairs of either kind a row are (arXiv:2209.11055, section 4)."""


class FinetuneConfig(RowsConfig, TrainingConfig, StepConfig):
    """Trains all weights on the task's labels, as BERT's paper does (section 4.1).

    Of rows with soft labels (`data.soft_labels`) it learns these.

    With `method: contrastive` it learns from few rows, some 8 to 64 a class, as SetFit does: what
    the head reads is drawn together for rows of a class and apart for others, and the head's last
    layer is fitted to it.
    """

    name: ClassVar[str] = "finetune"
    function: ClassVar[str] = "tinybert.steps.finetune.step:finetune"
    trains: ClassVar[bool] = True
    new_head: ClassVar[bool] = True

    method: Literal["labels", "contrastive"] = Field(
        "labels", description="the loss of each row's label, or of pairs of rows: for few rows"
    )
    epochs: float = Field(
        3, gt=0, description=f"passes over the training rows; contrastive: {CONTRASTIVE_EPOCHS}"
    )

    @model_validator(mode="before")
    @classmethod
    def _longer_where_contrastive(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("method") == "contrastive":
            return {"epochs": CONTRASTIVE_EPOCHS, **given}
        return given

    @model_validator(mode="after")
    def _pairs_are_balanced(self) -> "FinetuneConfig":
        if self.method == "contrastive" and self.batch_size < 2:
            raise ValueError("batch_size: contrastive compares rows of a batch: give 2 or more")
        for name in RowsConfig.model_fields if self.method == "contrastive" else ():
            if getattr(self, name) is not None:
                raise ValueError(
                    f"{name}: contrastive compares pairs, of either kind as many; leave it out"
                )
        return self

    @property
    def learns_predictions(self) -> bool:
        """Soft labels are as good as a teacher's; pairs are told by hard ones."""
        return self.method == "labels"

    @property
    def opens_layers(self) -> bool:
        """What a head reads is known of families that are known."""
        return self.method == "contrastive"

    def needs(self, corpus: bool) -> set[Need]:
        """It trains on them."""
        return {"rows", "labels"}

    def check(self, before: Expected, plan: Plan) -> Expected:
        """It needs labels, and pairs are compared by what a head reads of a row."""
        before.require_labels()
        shape = before.shape
        family = find_family(shape.model_type if shape else plan.config.get("model_type"))
        if self.method == "contrastive" and family is not None and family.reads == "last":
            with placed("method"):
                raise InputError(
                    "contrastive compares what a head reads of a row, and this family's reads "
                    "every token; use `labels`"
                )
        return super().check(before, plan)

    def read(self, materials: Materials) -> list[str]:
        """Rows that are alike have the same label."""
        if self.method == "contrastive" and not materials.task.one_label:
            with placed("method"):
                raise InputError(
                    f"contrastive is for rows that have one label each, and those of "
                    f"{materials.task.kind} have not; use `labels`"
                )
        check_rows(self, materials, soft=True)
        return super().read(materials)
