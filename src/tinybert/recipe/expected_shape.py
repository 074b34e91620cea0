"""The shape that a model will have after each step of a recipe, as far as it can be known."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import gcd
from typing import Any

from tinybert.base.errors import InputError
from tinybert.families import family_of
from tinybert.modeling.shape import SHAPE_KEY
from tinybert.steps.factorize.config import FactorizeConfig, Part
from tinybert.steps.prune.choice import rounded
from tinybert.steps.prune.config import PruneConfig, layers_left
from tinybert.steps.student.config import FAST_HEAD_STEP, StudentConfig


@dataclass(frozen=True)
class ExpectedShape:
    """A shape that is known before anything runs.

    Attributes:
        layers: How many.
        hidden_size: Width of hidden states.
        head_size: Width of a head.
        head_counts: Of each layer; where this is not known, at least.
        neuron_counts: Likewise.
        exact: Whether the counts are known.
        low_rank: The parts of layers that are of low rank.
        selects: The layer, 0 for the embeddings, behind which some tokens go on only; None: all
            tokens do.
    """

    layers: int
    hidden_size: int
    head_size: int
    head_counts: tuple[int, ...]
    neuron_counts: tuple[int, ...]
    exact: bool = True
    low_rank: frozenset[Part] = frozenset()
    selects: int | None = None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "ExpectedShape":
        """That of a model, by its config.json.

        Example:
            >>> ExpectedShape.of({"model_type": "bert", "num_hidden_layers": 2, "hidden_size": 8,
            ...     "num_attention_heads": 2, "intermediate_size": 16,
            ...     "tinybert_shape": {"attention_heads": [2, 1]}}).heads
            1

        Raises:
            InputError: It is of no known family, incomplete or damaged.
        """
        family = family_of(config.get("model_type"))
        try:
            noted = config.get(SHAPE_KEY, {})
            sizes = family.sizes.read(config)
            layers = sizes["layers"]
            heads = noted.get("attention_heads", [sizes["attention_heads"]] * layers)
            neurons = noted.get("intermediate_sizes", [sizes["intermediate_size"]] * layers)
            if not len(heads) == len(neurons) == layers > 0:
                raise ValueError(f"sizes of other than its {layers} layers")
            return cls(
                layers=layers,
                hidden_size=sizes["hidden_size"],
                head_size=sizes["hidden_size"] // sizes["attention_heads"],
                head_counts=tuple(heads),
                neuron_counts=tuple(neurons),
                low_rank=frozenset(family.part_of(name) for name in noted.get("ranks", ())),
                selects=noted["selection"]["layer"] if "selection" in noted else None,
            )
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise InputError(
                f"its config.json is broken ({type(error).__name__}: {error})"
            ) from None

    @classmethod
    def of_student(cls, settings: StudentConfig) -> "ExpectedShape":
        """That of a new student; with `shape: fast` about that."""
        head_size = settings.hidden_size // settings.attention_heads
        if settings.shape == "fast":  # what divides the widths of heads of all candidates
            head_size = gcd(head_size, FAST_HEAD_STEP)
        return cls(
            layers=settings.layers,
            hidden_size=settings.hidden_size,
            head_size=head_size,
            head_counts=(settings.attention_heads,) * settings.layers,
            neuron_counts=(settings.intermediate_size,) * settings.layers,
        )

    @property
    def heads(self) -> int:
        """Of the layer with the fewest."""
        return min(self.head_counts)

    @property
    def neurons(self) -> int:
        """Of the layer with the fewest."""
        return min(self.neuron_counts)

    @property
    def even(self) -> bool:
        """Whether all layers are known to have as many of both."""
        return self.exact and len({*self.head_counts}) == len({*self.neuron_counts}) == 1

    @property
    def attention_width(self) -> int:
        """What divides the width of every layer's queries."""
        return self.head_size * (gcd(*self.head_counts) if self.exact else 1)

    def pruned(self, settings: PruneConfig) -> "ExpectedShape":
        """What `prune` leaves.

        Raises:
            InputError: Too many layers are to be dropped.
        """
        layers = layers_left(settings.layers, self.layers)
        heads = _left(self.head_counts, settings.layers, layers)
        neurons = _left(self.neuron_counts, settings.layers, layers)
        uneven = bool(settings.heads or settings.neurons) and not settings.uniform
        unknown = isinstance(settings.layers, int) and settings.layers and not self.even
        pruned = range(1, layers + 1) if settings.of_layers is None else settings.of_layers

        def cut(counts: tuple[int, ...], share: float, multiple: int) -> tuple[int, ...]:
            def kept(count: int) -> int:
                return (
                    min(multiple, count)
                    if uneven
                    else rounded(count * (1 - share), multiple, count)
                )

            if not share:
                return counts
            return tuple(
                kept(count) if number in pruned else count
                for number, count in enumerate(counts, start=1)
            )

        return replace(
            self,
            layers=layers,
            head_counts=cut(heads, settings.heads, 1),
            neuron_counts=cut(neurons, settings.neurons, settings.rounding),
            exact=self.exact and not uneven and not unknown,
        )

    def factorized(self, settings: FactorizeConfig) -> "ExpectedShape":
        """What `factorize` leaves.

        Raises:
            InputError: It can make no layer smaller.
        """
        parts = [part for part in settings.parts if part not in self.low_rank]
        if not parts:
            raise InputError(f"{' and '.join(settings.parts)} are of low rank already")
        rank, inner = settings.rank, {"ffn": self.neurons, "attention": self.attention_width}
        if rank is not None and self.even:
            small = min(self.hidden_size * inner[p] / (self.hidden_size + inner[p]) for p in parts)
            most = max(self.hidden_size * inner[p] / (self.hidden_size + inner[p]) for p in parts)
            if rank >= most:
                raise InputError(
                    f"{rank} would make no layer smaller: a product saves parameters below a rank "
                    f"of {small:.0f} here"
                )
        return replace(self, low_rank=self.low_rank.union(parts))


def _left(counts: tuple[int, ...], dropped: int | list[int], layers: int) -> tuple[int, ...]:
    """Those of the layers that stay; at least, where only their number is known."""
    if isinstance(dropped, list):
        return tuple(count for at, count in enumerate(counts, start=1) if at not in dropped)
    return counts if not dropped else (min(counts),) * layers
