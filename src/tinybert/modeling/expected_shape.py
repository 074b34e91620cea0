"""The shape that a model will have after each step of a recipe, as far as it can be known."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd
from typing import Any, Literal

from tinybert.base.errors import InputError

SHAPE_KEY = "tinybert_shape"
"""The key of config.json for what stock Transformers has no settings for."""

Part = Literal["ffn", "attention"]
"""Of a layer: both feed-forward matrices, or the four of attention."""


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
            layers = config["num_hidden_layers"]
            heads = noted.get("attention_heads", [config["num_attention_heads"]] * layers)
            neurons = noted.get("intermediate_sizes", [config["intermediate_size"]] * layers)
            if not len(heads) == len(neurons) == layers > 0:
                raise ValueError(f"sizes of other than its {layers} layers")
            return cls(
                layers=layers,
                hidden_size=config["hidden_size"],
                head_size=config["hidden_size"] // config["num_attention_heads"],
                head_counts=tuple(heads),
                neuron_counts=tuple(neurons),
                low_rank=frozenset(_part(name) for name in noted.get("ranks", ())),
                selects=noted["selection"]["layer"] if "selection" in noted else None,
            )
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise InputError(
                f"its config.json is broken ({type(error).__name__}: {error})"
            ) from None

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


def _part(name: str) -> Part:
    return "attention" if ".attention." in name else "ffn"
