"""The settings of `trim-vocabulary`."""

from pydantic import Field

from tinybert.training.section import Config


class TrimConfig(Config):
    """Which pieces of the vocabulary stay, beside those that spell any word."""

    min_count: int = Field(
        default=1, ge=1, description="how often the corpus must use a piece for it to stay"
    )
    size: int | None = Field(
        default=None,
        ge=1,
        description="pieces at most, the most used; special pieces and the alphabet always stay; "
        "default: as many as are used",
    )
    corpus: list[str] | None = Field(
        default=None,
        description="texts to count beside the training rows, named as in data.unlabeled; "
        "default: data.unlabeled",
    )
