"""The settings of `shorten`."""

from pydantic import Field

from tinybert.config import Config


class ShortenConfig(Config):
    """Behind some layer, neighbouring tokens of a long text are merged and go on as their mean.

    A text of no more tokens than `positions` is computed as it was. What longer ones lose is won
    back by a `distill` step after it.
    """

    after_layer: int = Field(1, ge=1, description="the last one, from 1, that computes every token")
    positions: int = Field(
        32, ge=2, description="that later layers compute at most; the first is never merged"
    )
