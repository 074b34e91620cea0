"""The settings of `prune`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from tinybert.base.errors import InputError
from tinybert.distillation.config import DistillConfig
from tinybert.training.section import Config

NEURONS = 0.25


class PruneConfig(Config):
    """What to take out of the model, by which measure, at once or while it learns.

    Heads, neurons and layers leave a smaller model. Single weights (`sparsity`, `pattern`) are
    set to 0 and stay where they are: the file shrinks when it is packed, dense kernels run no
    faster. One step does one of the two. `prune: {}`, which names neither, takes out a quarter of
    the neurons.
    """

    heads: float = Field(
        0.0, ge=0, lt=1, description="share of the attention heads to remove; one a layer stays"
    )
    neurons: float = Field(
        0.0,
        ge=0,
        lt=1,
        description=f"share of the feed-forward neurons to remove; {NEURONS} if nothing is named",
    )
    layers: Annotated[int, Field(ge=0)] | list[int] = Field(
        0,
        description="how many layers to drop, the least important first; or which, counted "
        "from 1; they go at once, before all else",
    )
    of_layers: list[int] | None = Field(
        None,
        min_length=1,
        description="the layers whose heads and neurons go, counted from 1 among those that "
        "stay; default: all",
    )
    importance: Literal["taylor", "activation", "magnitude"] = Field(
        "taylor",
        description="of a head, neuron or layer. taylor: gradient of the loss by its gate; "
        "activation: its mean absolute output times its outgoing weights; magnitude: its weights",
    )
    calibration_rows: int = Field(
        512, gt=0, description="training rows that taylor and activation are measured on"
    )
    uniform: bool = Field(
        True,
        description="the same share in every layer (of every matrix for `sparsity`); false ranks "
        "over the whole model",
    )
    rounding: int = Field(
        16, gt=0, description="neurons a layer are rounded to a multiple of it, as kernels like"
    )
    sparsity: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="share of the layers' weights to set to 0, the smallest; the article's keep "
        "ratio is 1 - sparsity",
    )
    pattern: str | None = Field(
        None,
        pattern=r"^[1-9]\d*:[1-9]\d*$",
        description="'2:4' keeps the largest 2 of every 4 weights of a row, and so on",
    )
    embeddings: bool = Field(
        False, description="let `sparsity` and `pattern` also set word embeddings to 0"
    )
    distill: DistillConfig | None = Field(
        None, description="prune gradually during a distillation with these settings; else at once"
    )
    pruning_share: float = Field(
        0.5, gt=0, le=1, description="of that distillation, in which the pruned share rises"
    )

    @property
    def healing(self) -> DistillConfig | None:
        """The distillation within the step, if it trains."""
        return self.distill

    @property
    def makes_zeros(self) -> bool:
        """Whether it prunes single weights."""
        return bool(self.sparsity or self.pattern)

    @property
    def needs_rows(self) -> bool:
        """Whether it reads training rows."""
        by_name = isinstance(self.layers, list) or not self.layers
        measures = bool(self.heads or self.neurons or not by_name)
        return self.distill is not None or (measures and self.importance != "magnitude")

    @property
    def kept_of_group(self) -> tuple[int, int] | None:
        """The n and m of an n:m pattern."""
        if self.pattern is None:
            return None
        kept, group = map(int, self.pattern.split(":"))
        return kept, group

    @model_validator(mode="before")
    @classmethod
    def _names_something(cls, settings: Any) -> Any:
        named = {"heads", "neurons", "layers", "sparsity", "pattern"}
        if isinstance(settings, Mapping) and named.isdisjoint(settings):
            return {**settings, "neurons": NEURONS}
        return settings

    @model_validator(mode="after")
    def _goes_together(self) -> "PruneConfig":
        structured = bool(self.heads or self.neurons or self.layers)
        units = "means something for heads, neurons and counted layers only"
        self.refuse_unused(
            {
                "importance": (structured, units),
                "calibration_rows": (
                    structured and self.importance != "magnitude",
                    "nothing is measured on training rows",
                ),
                "rounding": (bool(self.neurons), "is of the neurons that stay"),
                "of_layers": (
                    bool(self.heads or self.neurons),
                    "says whose heads and neurons go, and none do",
                ),
                "pruning_share": (self.distill is not None, "is a share of `distill`"),
            }
        )
        if not structured and not self.makes_zeros:
            raise ValueError("nothing to prune: give heads, neurons, layers, sparsity or pattern")
        if structured and self.makes_zeros:
            raise ValueError(
                "heads, neurons and layers go in one `prune`, single weights in another after it"
            )
        if self.sparsity and self.pattern:
            raise ValueError("sparsity and pattern exclude each other: 2:4 is a sparsity of 0.5")
        if self.embeddings and not self.makes_zeros:
            raise ValueError("embeddings: only with sparsity or pattern")
        if (kept := self.kept_of_group) is not None and kept[0] >= kept[1]:
            raise ValueError(f"pattern: {self.pattern} prunes nothing; the first must be smaller")
        for name in ("layers", "of_layers"):
            named = getattr(self, name)
            if isinstance(named, list) and (
                min(named, default=1) < 1 or len(set(named)) < len(named)
            ):
                raise ValueError(f"{name}: name each layer once, counted from 1")
        if structured and self.distill is not None and self.distill.compile:
            raise ValueError("distill.compile: gates can't be compiled; leave it off while pruning")
        return self


def layers_left(dropped: int | list[int], layers: int) -> int:
    """How many layers a model of so many has afterwards.

    Raises:
        InputError: It has too few, or none would be left.

    Example:
        >>> layers_left(2, 6), layers_left([1, 6], 6)
        (4, 4)
    """
    if isinstance(dropped, list):
        require_layers(dropped, layers)
    left = layers - (len(dropped) if isinstance(dropped, list) else dropped)
    if left < 1:
        raise InputError(f"at least one of the model's {layers} layers must stay")
    return left


def require_layers(numbers: list[int], layers: int) -> None:
    """Refuses numbers of layers, counted from 1, that a model of so many has not.

    Raises:
        InputError: There is one.
    """
    for number in numbers:
        if number > layers:
            raise InputError(f"there is no layer {number}; the model has {layers}")
