"""The settings of `quantize`."""

from typing import Literal

from pydantic import Field

from tinybert.config import Config


class QuantizeConfig(Config):
    """Int8 after training: weights once, activations at run time, no calibration data."""

    method: Literal["dynamic"] = Field(
        default="dynamic",
        description="dynamic: the range of each activation is measured as it comes",
    )
    embeddings: bool = Field(
        default=True, description="quantize the embedding tables too, a row at a time"
    )
    reduce_range: bool = Field(
        default=False,
        description="weights of 7 bits: for x86 without VNNI (before 2019), whose int8 products "
        "of 8 bits saturate",
    )
