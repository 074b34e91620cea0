"""The settings of `add-texts`."""

from typing import ClassVar, Literal

from pydantic import Field

from tinybert.base.errors import InputError
from tinybert.steps.base import Need, StepConfig
from tinybert.training.materials import Materials


class AddTextsConfig(StepConfig):
    """Puts texts of the corpus, `data.unlabeled`, beside the training rows.

    The steps after it learn from both. None of them has labels: the teacher says. Texts like those
    that the model will see help most.
    """

    name: ClassVar[str] = "add-texts"
    function: ClassVar[str] = "tinybert.steps.add_texts.step:add_texts"
    works_on: ClassVar[Literal["rows"]] = "rows"

    per_row: float = Field(
        10.0,
        gt=0,
        description="texts beside each training row at most, drawn from the whole corpus",
    )

    @property
    def reads_corpus(self) -> bool:
        """The texts are in it."""
        return True

    def needs(self, corpus: bool) -> set[Need]:
        """Rows, as their number bounds that of the texts."""
        return {"rows"}

    def rows_after(self, rows: int) -> int:
        """The rows, and all that may be put beside them."""
        return rows + round(rows * self.per_row)

    def read(self, materials: Materials) -> list[str]:
        """Refuses tasks whose rows are no single texts; hashes the corpus."""
        super().read(materials)
        if len(materials.task.text) != 1:
            raise InputError(
                "the rows of this task are pairs of texts, and a corpus has none; leave this step "
                "out"
            )
        if materials.hash_corpus is None:
            raise InputError("needs a corpus: name it in data.unlabeled")
        return [materials.hash_corpus()]
