"""The settings of `augment`."""

from pydantic import Field

from tinybert.training.section import Config


class AugmentConfig(Config):
    """Puts changed texts beside the training rows; the steps after it learn from both.

    None of them has labels, since a change may make another of them right: the teacher says.
    """

    copies: int = Field(3, gt=0, description="changed texts made of each, one word changed in each")

    @property
    def needs_rows(self) -> bool:
        """There is nothing to change without."""
        return True
