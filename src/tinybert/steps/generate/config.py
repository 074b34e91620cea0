"""The settings of `generate`."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from tinybert.base.errors import InputError, placed
from tinybert.steps.base import StepConfig
from tinybert.steps.expected import Expected, Plan
from tinybert.training.materials import Materials


class GenerateConfig(StepConfig):
    """Makes training texts from the teacher alone; later steps read them instead of `data.train`.

    The default lengths are those of SST-2, where half of the rows have 4 to 16 tokens and nine of
    ten have 2 to 31; for a task of long texts, set `max_tokens`.
    """

    name: ClassVar[str] = "generate"
    function: ClassVar[str] = "tinybert.steps.generate.step:generate"
    works_on: ClassVar[Literal["rows"]] = "rows"

    rows: int = Field(20000, gt=0, description="texts to make, or pairs of texts")
    masked_lm: str | None = Field(
        None,
        description="path or hub id of a masked-LM with the teacher's vocabulary, such as what the "
        "teacher was fine-tuned from, to sample texts from; default: words are sought by gradient "
        "in the teacher's own embeddings",
    )
    min_tokens: int = Field(2, gt=0, description="tokens of the shortest text")
    max_tokens: int = Field(
        32, gt=0, description="tokens of the longest text, or what data.max_length leaves it"
    )
    batch_size: int = Field(64, gt=0, description="texts made at a time, all of one length")
    steps: int = Field(
        5, gt=0, description="rounds of replacing tokens in a text; on SST-2 more gain little"
    )
    share: float = Field(0.2, gt=0, le=1, description="of a text's tokens replaced in a round")
    candidates: int = Field(
        64,
        gt=0,
        description="by gradient: random tokens among which the best replacement is sought",
    )
    temperature: float = Field(
        1.0,
        gt=0,
        description="of sampling from a masked-LM; 1 follows the head, less is more common",
    )

    @model_validator(mode="after")
    def _possible(self) -> "GenerateConfig":
        if self.min_tokens > self.max_tokens:
            raise ValueError(
                f"min_tokens {self.min_tokens} is more than max_tokens {self.max_tokens}"
            )
        if self.steps * self.share < 1:
            raise ValueError(
                f"{self.steps} steps of a share of {self.share} don't reach every token of a text"
            )
        return self

    def effects(self) -> dict[str, tuple[bool, str]]:
        """Options may be of the way of making texts that is not taken."""
        samples = self.masked_lm is not None
        return {
            "temperature": (samples, "it is of sampling from a masked_lm, and none is given"),
            "candidates": (not samples, "it is for texts made without a masked_lm"),
        }

    def check(self, before: Expected, plan: Plan) -> Expected:
        """It asks the teacher, which nothing may have made smaller by then."""
        if before.shrunk_by is not None:
            raise InputError(f"must stand before `{before.shrunk_by}`: texts come from the teacher")
        return super().check(before, plan)

    def rows_after(self, rows: int) -> int:
        """Nothing but what is made."""
        return self.rows

    def read(self, materials: Materials) -> list[str]:
        """Checks the masked-LM that it samples from."""
        super().read(materials)
        if self.masked_lm is None:
            if materials.task.of_parts:
                raise InputError(
                    "makes texts about which one teacher is of this mind or that, and several "
                    "tasks have one each: give `masked_lm`, or use `augment` or `add-texts`"
                )
            return []
        from tinybert.modeling.hub import find_folder, hash_model
        from tinybert.modeling.load import load_masked_lm
        from tinybert.modeling.other_models import check_vocabulary

        with placed("masked_lm"):
            folder = find_folder(self.masked_lm)
            check_vocabulary(folder, materials.tokenizer)
            load_masked_lm(folder)
        return [hash_model(folder)]
