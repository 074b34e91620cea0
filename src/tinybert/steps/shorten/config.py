"""The settings of `shorten`."""

from pydantic import Field

from tinybert.training.section import Config


class ShortenConfig(Config):
    """Layers compute those tokens of a long text that decide most of what the model says.

    A text of no more tokens than `positions` is computed as it was. What longer ones lose is won
    back by a `distill` step after it.
    """

    layer: int = Field(
        1,
        ge=0,
        description="behind which some tokens go on: what it makes of a text says which; 0: the "
        "embeddings alone, which is fastest",
    )
    positions: int = Field(
        32, ge=2, description="that go on at most: the first, and those of the most influence"
    )
    calibration_rows: int = Field(
        3000,
        gt=0,
        description="training rows that show what has an influence, of those that are shortened "
        "where there are as many",
    )

    @property
    def needs_rows(self) -> bool:
        """They show what has an influence."""
        return True
