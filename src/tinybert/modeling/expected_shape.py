"""The shape that a model will have after each step of a recipe, as far as it can be known."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd
from typing import Any

from tinybert.base.errors import InputError
from tinybert.families import MatrixPart, family_of
from tinybert.runtime.config import max_positions

SHAPE_KEY = "tinybert_shape"
"""The key of config.json for what stock Transformers has no settings for."""


@dataclass(frozen=True)
class ExpectedShape:
    """A shape that is known before anything runs.

    Attributes:
        model_type: As config.json names it; it tells the family.
        layers: How many.
        hidden_size: Width of hidden states.
        head_size: Width of a head.
        head_counts: Of each layer; where this is not known, at least.
        neuron_counts: Likewise.
        exact: Whether the counts are known.
        embedding_size: Width of the table of words.
        positions: Tokens that it takes at most; None: any number.
        low_rank: What is of low rank.
        vocabulary: Rows of the table of words, at most; None where config.json does not say.
        selects: The layer, 0 for the embeddings, behind which some tokens go on only; None: all
            tokens do.
        selected: How many go on at most.
        embedding_rank: Of the table of words, where it is a product and its rank is known.
    """

    model_type: str
    layers: int
    hidden_size: int
    head_size: int
    head_counts: tuple[int, ...]
    neuron_counts: tuple[int, ...]
    embedding_size: int
    positions: int | None = None
    exact: bool = True
    low_rank: frozenset[MatrixPart] = frozenset()
    selects: int | None = None
    selected: int | None = None
    vocabulary: int | None = None
    embedding_rank: int | None = None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "ExpectedShape":
        """The shape of a model, by its config.json.

        Example:
            >>> ExpectedShape.of({"model_type": "bert", "num_hidden_layers": 2, "hidden_size": 8,
            ...     "num_attention_heads": 2, "intermediate_size": 16,
            ...     "tinybert_shape": {"attention_heads": [2, 1]}}).heads
            1

        Raises:
            InputError: It is of no known family, incomplete or damaged.
        """
        model_type = config.get("model_type")
        family = family_of(model_type)
        try:
            noted = config.get(SHAPE_KEY, {})
            sizes = family.sizes.read(config)
            layers = sizes["layers"]
            heads = noted.get("attention_heads", [sizes["attention_heads"]] * layers)
            neurons = noted.get("intermediate_sizes", [sizes["intermediate_size"]] * layers)
            if not len(heads) == len(neurons) == layers > 0:
                raise ValueError(f"sizes of other than its {layers} layers")
            return cls(
                model_type=str(model_type),
                layers=layers,
                hidden_size=sizes["hidden_size"],
                head_size=sizes["hidden_size"] // sizes["attention_heads"],
                head_counts=tuple(heads),
                neuron_counts=tuple(neurons),
                embedding_size=config.get(family.embedding_size, sizes["hidden_size"]),
                positions=max_positions(config),
                low_rank=frozenset(family.part_of(name) for name in noted.get("ranks", ())),
                selects=noted["selection"]["layer"] if "selection" in noted else None,
                selected=noted["selection"]["positions"] if "selection" in noted else None,
                vocabulary=config.get("vocab_size"),
            )
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise InputError(
                f"its config.json is broken ({type(error).__name__}: {error})"
            ) from None

    @property
    def heads(self) -> int:
        """Heads of the layer with the fewest."""
        return min(self.head_counts)

    @property
    def neurons(self) -> int:
        """Neurons of the layer with the fewest."""
        return min(self.neuron_counts)

    @property
    def even(self) -> bool:
        """Whether all layers are known to have as many of both."""
        return self.exact and len({*self.head_counts}) == len({*self.neuron_counts}) == 1

    @property
    def attention_width(self) -> int:
        """What divides the width of every layer's queries."""
        return self.head_size * (gcd(*self.head_counts) if self.exact else 1)
