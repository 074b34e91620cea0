"""The settings of `augment`."""

from typing import ClassVar, Literal

from pydantic import Field

from tinybert.steps.base import Need, StepConfig
from tinybert.training.materials import Materials


class AugmentConfig(StepConfig):
    """Puts changed texts beside the training rows; the steps after it learn from both.

    None of them has labels, since a change may make another of them right: the teacher says.
    """

    name: ClassVar[str] = "augment"
    function: ClassVar[str] = "tinybert.steps.augment.step:augment"
    works_on: ClassVar[Literal["rows"]] = "rows"

    copies: int = Field(3, gt=0, description="changed texts made of each, one word changed in each")

    def needs(self, corpus: bool) -> set[Need]:
        """There is nothing to change without rows."""
        return {"rows"}

    def rows_after(self, rows: int) -> int:
        """Each of the rows and its copies; some copies turn out alike."""
        return rows * (1 + self.copies)

    def read(self, materials: Materials) -> list[str]:
        """Refuses training rows whose words can't be told apart."""
        from tinybert.steps.augment.split import WordSplitter, changeable

        super().read(materials)
        if materials.train is not None:
            changeable(materials.train.texts, WordSplitter(materials.tokenizer))
        return []
