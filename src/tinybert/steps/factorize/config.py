"""The settings of `factorize`."""

from typing import Literal

from pydantic import Field, model_validator

from tinybert.training.section import Config

Part = Literal["ffn", "attention"]


class FactorizeConfig(Config):
    """W ≈ U·V from a singular value decomposition, weighted by what really flows through W.

    What it loses is won back by a `distill` step after it. A layer that its two factors would
    make no smaller stays as it is.
    """

    rank: int | None = Field(None, gt=0, description="of every layer; or give `energy`")
    energy: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="smallest rank that keeps this share of the variance of a layer's output; "
        "0.9 where neither is given",
    )
    parts: list[Part] = Field(
        ["ffn"], min_length=1, description="ffn: both feed-forward layers; attention: all four"
    )
    multiple: int = Field(
        8, gt=0, description="ranks found by `energy` are rounded up to it, as kernels like"
    )
    calibration_rows: int = Field(
        512, gt=0, description="training rows that show what flows through the layers"
    )

    @property
    def needs_rows(self) -> bool:
        """They show what flows through the layers."""
        return True

    @model_validator(mode="after")
    def _one_rule(self) -> "FactorizeConfig":
        if self.rank is not None and self.energy is not None:
            raise ValueError("rank and energy are two ways to choose the rank: give one")
        self.refuse_unused(
            {"multiple": (self.rank is None, "is for ranks that are found by `energy`")}
        )
        return self
