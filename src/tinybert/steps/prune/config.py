"""The settings of `prune`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from tinybert.base.errors import PlacedError, placed
from tinybert.distillation.config import DistillConfig
from tinybert.families import Capability
from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.steps.base import Need
from tinybert.steps.distilling import DistillingConfig
from tinybert.steps.expected import Expected, Plan
from tinybert.steps.prune.expected import pruned, require_layers

NEURONS = 0.25


class PruneConfig(DistillingConfig):
    """What to take out of the model, by which measure, at once or while it learns.

    Heads, neurons and layers leave a smaller model. Single weights (`sparsity`, `pattern`) are
    set to 0 and stay where they are: the file shrinks when it is packed, dense kernels run no
    faster. One step does one of the two. `prune: {}`, which names neither, takes out a quarter of
    the neurons.
    """

    name: ClassVar[str] = "prune"
    function: ClassVar[str] = "tinybert.steps.prune.step:prune"
    trains: ClassVar[bool] = True
    shrinks: ClassVar[bool] = True

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
    def opens_layers(self) -> bool:
        """It cuts them."""
        return True

    @property
    def within(self) -> DistillConfig | None:
        """Where it prunes while the model learns."""
        return self.distill

    @property
    def makes_zeros(self) -> bool:
        """Whether it prunes single weights."""
        return bool(self.sparsity or self.pattern)

    def needs(self, corpus: bool) -> set[Need]:
        """Rows, where it trains or measures."""
        by_name = isinstance(self.layers, list) or not self.layers
        measures = bool(self.heads or self.neurons or not by_name)
        calibrates = measures and self.importance != "magnitude"
        return super().needs(corpus) | ({"rows"} if calibrates else set())

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

    def effects(self) -> dict[str, tuple[bool, str]]:
        """Options may be of what is not pruned."""
        structured = bool(self.heads or self.neurons or self.layers)
        units = "means something for heads, neurons and counted layers only"
        return {
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

    @model_validator(mode="after")
    def _goes_together(self) -> "PruneConfig":
        self.refuse_unused()
        structured = bool(self.heads or self.neurons or self.layers)
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

    def asks(self) -> dict[str, tuple[Capability, ...]]:
        """Heads, neurons, layers or single weights that can go."""
        asked: dict[str, tuple[Capability, ...]] = {
            "heads": ("prune", "prune-heads"),
            "neurons": ("prune",),
            "layers": ("prune", "prune-layers"),
            "sparsity": ("zeros",),
            "pattern": ("zeros",),
        }
        return {name: wanted for name, wanted in asked.items() if getattr(self, name)}

    def check(self, before: Expected, plan: Plan) -> Expected:
        """A smaller shape, or zeros; what is cut must be there, and not of low rank."""
        after = super().check(before, plan)
        if not self.makes_zeros:
            before.require_every_token()
        learning = before.shape
        if before.shape is not None:
            shape = self._pruned(before.shape)
            after = replace(after, shape=shape)
            learning = replace(before.shape, layers=shape.layers)  # they go before it learns
        self.check_within(before, plan, learning)
        return replace(after, zeros_by=self.name if self.makes_zeros else before.zeros_by)

    def _pruned(self, before: ExpectedShape) -> ExpectedShape:
        with placed("layers"):
            after = pruned(before, self)
        cut = {"neurons": {"ffn"}, "heads": {"attention"}, "layers": {"ffn", "attention"}}
        for name, parts in cut.items():
            wanted = getattr(self, name)
            if wanted and not isinstance(wanted, list) and parts & before.low_rank:
                raise PlacedError(
                    "can't cut layers of low rank; put `prune` before `factorize`", (name,)
                )
        if self.of_layers is not None:
            with placed("of_layers"):
                require_layers(self.of_layers, after.layers)
        if self.kept_of_group is not None and before.even and not before.low_rank:
            group = self.kept_of_group[1]
            for width in (before.hidden_size, before.neurons, before.attention_width):
                if width % group:
                    raise PlacedError(f"a width of {width} is no multiple of {group}", ("pattern",))
        return after
