"""The settings of `student`."""

from typing import Literal

from pydantic import Field, model_validator

from tinybert.modeling.mapping import LayerMapping
from tinybert.training.section import Config

FAST_HEAD_STEP = 8
"""The heads of shapes that `shape: fast` tries have multiples of it as widths."""


class StudentConfig(Config):
    """The shape of the student and where its first weights come from.

    The default shape is TinyBERT's smallest (4 layers, 312 wide, 12 heads, 1200 neurons).
    """

    layers: int = Field(4, gt=0, description="transformer layers")
    hidden_size: int = Field(312, gt=0, description="width of hidden states and embeddings")
    attention_heads: int = Field(12, gt=0, description="heads a layer; must divide hidden_size")
    intermediate_size: int = Field(1200, gt=0, description="neurons of a feed-forward block")
    shape: Literal["given", "fast"] = Field(
        "given",
        description="fast: of shapes with as many layers and heads, and about as many weights, "
        "the one whose exported file runs fastest on this machine",
    )
    init: str = Field(
        "teacher",
        description="'teacher': the teacher's weights, compressed; 'random'; or a checkpoint",
    )
    mapping: LayerMapping = Field(
        "uniform", description="teacher layer (from 1) that each student layer starts from"
    )
    calibration_rows: int = Field(
        1024, gt=0, description="training rows that `init: teacher` measures the teacher on"
    )
    calibration_tokens: int = Field(
        32768, gt=0, description="the most tokens that these rows may have together; 1 GB each 32K"
    )

    @property
    def needs_rows(self) -> bool:
        """Where the teacher is measured on them."""
        return self.init == "teacher"

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "StudentConfig":
        if self.hidden_size % self.attention_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} is not a multiple of "
                f"attention_heads {self.attention_heads}"
            )
        if self.shape == "fast" and self.init not in ("teacher", "random"):
            raise ValueError("shape: a checkpoint has a shape of its own; leave `shape: fast` out")
        return self

    def ineffective(self) -> dict[str, str]:
        """Of `init: teacher`, for students that start otherwise."""
        from_teacher = self.init == "teacher", "only `init: teacher` starts from its layers"
        names = ("mapping", "calibration_rows", "calibration_tokens")
        return self._given(dict.fromkeys(names, from_teacher))
