"""The settings of `generate`."""

from pydantic import Field, model_validator

from tinybert.training.section import Config


class GenerateConfig(Config):
    """Makes training texts from the teacher alone; later steps read them instead of `data.train`.

    The default lengths are those of SST-2, where half of the rows have 4 to 16 tokens and nine of
    ten have 2 to 31; for a task of long texts, set `max_tokens`.
    """

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

    def ineffective(self) -> dict[str, str]:
        """Of the way of making texts that is not taken."""
        samples = self.masked_lm is not None
        return self._given(
            {
                "temperature": (samples, "it is of sampling from a masked_lm, and none is given"),
                "candidates": (not samples, "it is for texts made without a masked_lm"),
            }
        )
