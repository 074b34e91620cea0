"""The settings of `augment`."""

from pydantic import Field, model_validator

from tinybert.config import Config


class AugmentConfig(Config):
    """Puts changed and joined texts beside the training rows; the steps after it learn from both.

    None of them has labels, since a change may make another of them right: the teacher says.
    """

    copies: int = Field(3, ge=0, description="changed texts made of each, one word changed in each")
    joined: int = Field(
        0,
        ge=0,
        description="texts of two joined at random, so many times as there are rows; not of pairs",
    )

    @model_validator(mode="after")
    def _makes_some(self) -> "AugmentConfig":
        if not self.copies and not self.joined:
            raise ValueError("copies: with 0 of them and joined: 0, no texts are made")
        return self

    @property
    def needs_rows(self) -> bool:
        """There is nothing to change without."""
        return True
