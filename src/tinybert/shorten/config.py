"""The settings of `shorten`."""

from pydantic import Field

from tinybert.config import Config


class ShortenConfig(Config):
    """From some layer on, long texts go on as the tokens that others attend to most.

    A text of no more tokens than `positions` is computed as it was. What longer ones lose is won
    back by a `distill` step after it.
    """

    layer: int = Field(
        2,
        ge=1,
        description="the one, from 1, whose attention is the last over every token; a first "
        "layer's attention says little of what matters",
    )
    positions: int = Field(
        32, ge=2, description="that go on at most: the first, and those that are attended to most"
    )
