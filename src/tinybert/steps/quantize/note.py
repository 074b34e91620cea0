"""What a model's config.json says about its quantization, under `tinybert_quantization`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tinybert.base.errors import InputError
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.quantize.integers import LARGEST, REDUCED

QUANTIZATION_KEY = "tinybert_quantization"


@dataclass(frozen=True)
class QuantizationNote:
    """Which integers stand for a model's weights and activations.

    Attributes:
        bits: Of weights, 8, 4 or 2.
        group_size: Weights that share a scale; None: a channel's or a row's.
        embeddings: Whether tables are quantized.
        reduce_range: Whether weights have 7 bits of 8.
        ranges: (low, high) of the input of each linear layer, by its module's name; layers that
            share their input share its range. Empty where activations stay float.
        kept: Names of the linear layers in higher precision.
        attention: The largest size of the queries, keys and values that a linear layer makes, by
            its name. Empty where their products stay float.
    """

    bits: int
    group_size: int | None
    embeddings: bool
    reduce_range: bool
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    attention: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        config: QuantizeConfig,
        ranges: Mapping[str, tuple[float, float]] | None = None,
        kept: tuple[str, ...] = (),
    ) -> "QuantizationNote":
        """What a step's settings say, with what was found on training rows."""
        return cls(
            bits=config.bits,
            group_size=config.group_size,
            embeddings=config.embeddings,
            reduce_range=config.reduce_range,
            ranges=dict(ranges or {}),
            kept=kept,
        )

    @classmethod
    def read(cls, config: Mapping[str, Any], source: object) -> "QuantizationNote":
        """From a config.json.

        Args:
            config: Its content.
            source: The file, for messages.

        Raises:
            InputError: There is no note, or it can't be understood.

        Example:
            >>> note = QuantizationNote.of(QuantizeConfig(), {"pooler.dense": (-1.0, 4.1)})
            >>> QuantizationNote.read({"tinybert_quantization": note.as_json()}, "") == note
            True
        """
        try:
            values = dict(config[QUANTIZATION_KEY])
            ranges = {name: (low, high) for name, (low, high) in values.pop("ranges").items()}
            return cls(ranges=ranges, kept=tuple(values.pop("kept")), **values)
        except KeyError as error:
            raise InputError(
                f"{source}: has no {error}, which `quantize` writes while it prepares the model; "
                "quantize it by a recipe"
            ) from None
        except (TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{source}: {QUANTIZATION_KEY} is broken ({error})") from None

    def as_json(self) -> dict[str, Any]:
        """The note as config.json holds it."""
        return asdict(self) | {
            "ranges": {name: list(range_) for name, range_ in self.ranges.items()},
            "kept": list(self.kept),
        }

    def bits_of(self, layer: str) -> int | None:
        """Bits of a linear layer's weights; None: it stays float."""
        if layer in self.kept:
            return None if self.bits == 8 else 8
        return self.bits

    @property
    def table_bits(self) -> int:
        """Bits of tables, whose few values a row 2 bits would ruin."""
        return max(self.bits, 4)

    def largest(self, bits: int) -> float:
        """The integer that the largest weight becomes; or `TWO_BITS`."""
        return REDUCED if self.reduce_range and bits == 8 else LARGEST[bits]
