"""The shape that a model will have after each step of a recipe, as far as it can be known."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import gcd
from typing import Any

from tinybert.errors import InputError
from tinybert.factorize.config import FactorizeConfig, Part
from tinybert.prune.choice import rounded
from tinybert.prune.config import PruneConfig, layers_left
from tinybert.shapes import SHAPE_KEY
from tinybert.students.config import FAST_HEAD_STEP, StudentConfig


@dataclass(frozen=True)
class ExpectedShape:
    """A shape that is known before anything runs.

    Attributes:
        layers: How many.
        hidden_size: Width of hidden states.
        head_size: Width of a head.
        heads: Of the layer with the fewest.
        neurons: Of the layer with the fewest.
        even: Whether all layers have as many.
        low_rank: The parts of layers that are of low rank.
        merges: Whether later layers compute merged positions.
    """

    layers: int
    hidden_size: int
    head_size: int
    heads: int
    neurons: int
    even: bool = True
    low_rank: frozenset[Part] = frozenset()
    merges: bool = False

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "ExpectedShape":
        """That of a BERT-like model, by its config.json.

        Example:
            >>> ExpectedShape.of({"num_hidden_layers": 2, "hidden_size": 8, "intermediate_size": 16,
            ...     "num_attention_heads": 2, "tinybert_shape": {"attention_heads": [2, 1]}}).heads
            1

        Raises:
            InputError: It is incomplete or damaged.
        """
        try:
            noted = config.get(SHAPE_KEY, {})
            heads = noted.get("attention_heads", [config["num_attention_heads"]])
            neurons = noted.get("intermediate_sizes", [config["intermediate_size"]])
            return cls(
                layers=config["num_hidden_layers"],
                hidden_size=config["hidden_size"],
                head_size=config["hidden_size"] // config["num_attention_heads"],
                heads=min(heads),
                neurons=min(neurons),
                even=len({*heads}) == len({*neurons}) == 1,
                low_rank=frozenset(_part(name) for name in noted.get("ranks", ())),
                merges="merging" in noted,
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
            heads=settings.attention_heads,
            neurons=settings.intermediate_size,
        )

    @property
    def attention_width(self) -> int:
        """What divides the width of every layer's queries."""
        return self.head_size * (self.heads if self.even else 1)

    def pruned(self, settings: PruneConfig) -> "ExpectedShape":
        """What `prune` leaves.

        Raises:
            InputError: Too many layers are to be dropped.
        """
        layers = layers_left(settings.layers, self.layers)
        if not settings.uniform and (settings.heads or settings.neurons):
            least = min(settings.rounding, self.neurons)
            return replace(self, layers=layers, heads=1, neurons=least, even=False)
        even = self.even and (settings.of_layers is None or len(settings.of_layers) == layers)
        heads = rounded(self.heads * (1 - settings.heads), 1, self.heads)
        neurons = self.neurons
        if settings.neurons:
            kept = self.neurons * (1 - settings.neurons)
            neurons = rounded(kept, settings.rounding, self.neurons)
        return replace(self, layers=layers, heads=heads, neurons=neurons, even=even)

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


def _part(name: str) -> Part:
    return "attention" if ".attention." in name else "ffn"
