"""The settings of `factorize`."""

from dataclasses import replace
from math import inf, log
from typing import ClassVar

from pydantic import Field, model_validator

from tinybert.base.errors import InputError, PlacedError, placed
from tinybert.families import Capability, LayerPart, MatrixPart
from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.steps.base import Need, StepConfig
from tinybert.steps.choice import LEFT_OUT, Choice
from tinybert.steps.expected import Expected, Plan
from tinybert.training.materials import Materials

RANKS = (32, 48, 64, 96, 128)
"""Ranks of a table of words that a search tries."""


class FactorizeConfig(StepConfig):
    """W ≈ U·V from a singular value decomposition, weighted by what really flows through W.

    The table of words is weighted by how often each piece occurs in the training rows. What it
    loses is won back by a `distill` step after it. A matrix that its two factors would make no
    smaller stays as it is.
    """

    name: ClassVar[str] = "factorize"
    function: ClassVar[str] = "tinybert.steps.factorize.step:factorize"
    shrinks: ClassVar[bool] = True

    rank: int | None = Field(None, gt=0, description="of every product; or give `energy`")
    energy: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="smallest rank that keeps this share of the variance of a layer's output, "
        "or of the squares of the embeddings of a text's pieces; 0.9 where neither is given",
    )
    parts: list[MatrixPart] = Field(
        ["ffn"],
        min_length=1,
        description="ffn: both feed-forward layers; attention: all four; embeddings: the table of "
        "words",
    )
    multiple: int = Field(
        8, gt=0, description="ranks found by `energy` are rounded up to it, as kernels like"
    )
    calibration_rows: int = Field(
        512, gt=0, description="training rows that show what flows through the layers"
    )

    @property
    def of_layers(self) -> tuple[LayerPart, ...]:
        """The parts of layers among the parts."""
        return tuple(part for part in self.parts if part != "embeddings")

    @property
    def opens_layers(self) -> bool:
        """It replaces their matrices."""
        return True

    def asks(self) -> dict[str, tuple[Capability, ...]]:
        """Layers that can become products; a table of words can in every family."""
        return {"parts": ("factorize",)} if self.of_layers else {}

    def choices(self, plan: Plan) -> dict[str, Choice]:
        """The rank of a table of words, or a table as it is."""
        if self.parts != ["embeddings"] or self.energy is not None or plan.teacher is None:
            return {}
        whole = plan.teacher.embedding_size
        ranks = [rank for rank in RANKS if rank < whole / 2]
        losses = [0.3 * log(whole / rank) ** 2 for rank in ranks]
        return {"rank": Choice((*({"rank": rank} for rank in ranks), LEFT_OUT), (*losses, 0.0))}

    def needs(self, corpus: bool) -> set[Need]:
        """Rows show what flows through the layers."""
        return {"rows"}

    def check(self, before: Expected, plan: Plan) -> Expected:
        """Matrices of low rank; it must make one smaller."""
        after = super().check(before, plan)
        if before.shape is None:
            return after
        with placed("rank" if self.rank else "parts"):
            return replace(after, shape=self._factorized(before.shape, plan))

    def _factorized(self, shape: ExpectedShape, plan: Plan) -> ExpectedShape:
        parts = [part for part in self.parts if part not in shape.low_rank]
        if not parts:
            raise InputError(f"{' and '.join(self.parts)} are of low rank already")
        saving = [_saving(part, shape, plan) for part in parts]
        if self.rank is not None and self.rank >= max(saving):
            raise InputError(
                f"{self.rank} would make no matrix smaller: a product saves parameters below a "
                f"rank of {min(saving):.0f} here"
            )
        rank = self.rank if "embeddings" in parts else shape.embedding_rank
        return replace(shape, low_rank=shape.low_rank.union(parts), embedding_rank=rank)

    def read(self, materials: Materials) -> list[str]:
        """Refuses a table that the head has too."""
        if materials.task.writes and "embeddings" in self.parts:
            raise PlacedError(
                f"the table of words is the head of {materials.task.kind} too; leave `embeddings` "
                "out",
                ("parts",),
            )
        return super().read(materials)

    def effects(self) -> dict[str, tuple[bool, str]]:
        """A rank that is given is not found."""
        return {"multiple": (self.rank is None, "is for ranks that are found by `energy`")}

    @model_validator(mode="after")
    def _one_rule(self) -> "FactorizeConfig":
        if self.rank is not None and self.energy is not None:
            raise ValueError("rank and energy are two ways to choose the rank: give one")
        self.refuse_unused()
        return self


def _saving(part: MatrixPart, shape: ExpectedShape, plan: Plan) -> float:
    """The rank below which a product has fewer parameters; infinite where it is not known.

    A vocabulary that was trimmed has no more rows than the teacher's, so that at least this is
    known.
    """
    if part == "embeddings":
        known = [each for each in (plan.config.get("vocab_size"), shape.vocabulary) if each]
        rows, width = max(known, default=None), shape.embedding_size
        return width * rows / (width + rows) if isinstance(rows, int) else inf
    width = shape.hidden_size
    inner = {"ffn": shape.neurons, "attention": shape.attention_width}[part]
    return width * inner / (width + inner) if shape.even else inf
