"""How long a model will take on a device that is known by its profile alone."""

import json
import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tinybert.base.errors import InputError
from tinybert.families import find_family
from tinybert.formats.registry import FORMATS
from tinybert.measure.bench import is_busy
from tinybert.measure.latency import Fitted, work
from tinybert.measure.profile import SCHEMA
from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.steps.quantize.config import QuantizeConfig

logger = logging.getLogger(__name__)

KINDS = ("fp32", "int8-dynamic", "int8-static", "int4", "int2")
"""How its blocks are quantized."""

_FEWEST = 4
"""Fewer blocks tell too little of the others."""

_MOST, _MOST_LAYERS = 1_000_000, 1000
"""More than any device or model has."""

_SHAPE = ("layers", "hidden_size", "attention_heads", "intermediate_size")


@dataclass(frozen=True)
class Device:
    """A device, by what `tinybert profile` wrote there.

    Attributes:
        name: Of the file.
        content: What it says.
    """

    name: str
    content: dict[str, Any]

    @classmethod
    def read(cls, path: str | Path) -> "Device":
        """Reads a profile.

        Raises:
            InputError: There is none, or it is broken.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            device = cls(Path(path).stem, content)
            if content["schema"] != SCHEMA:
                raise InputError(f"{path}: a profile of another version; make it anew")
            _check(content)
            if not device.milliseconds(_shape_of(content["blocks"][0]), None, reads_first=True) > 0:
                raise ValueError("no time is above 0")
            return device
        except OSError as error:
            raise InputError(f"{path}: no profile can be read ({error.strerror})") from None
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(
                f"{path}: not a profile that `tinybert profile` wrote "
                f"({type(error).__name__}: {error})"
            ) from None

    @property
    def conditions(self) -> dict[str, int]:
        """Tokens, rows and threads of a batch."""
        return {key: self.content[key] for key in ("length", "batch", "threads")}

    def check(self, target: str, config: dict[str, Any], quantize: QuantizeConfig | None) -> None:
        """Refuses what its times say nothing of.

        Args:
            target: The format of the file.
            config: The config.json of the model.
            quantize: How the file is quantized, if it is.

        Raises:
            InputError: It runs another format, or was given other layers.
        """
        if target != self.content["runtime"]:
            raise InputError(
                f"{self.name}: the profile is of {self.content['runtime']} files, not of {target}"
            )
        family = find_family(config.get("model_type"))
        if family is None or family.gate or family.window or family.position_bias or family.causal:
            raise InputError(
                f"{self.name}: the profile is of layers as BERT has them, and those of "
                f"{config.get('model_type')} are others; search on the device itself"
            )
        self._kind(quantize)
        if is_busy(self.content.get("machine") or {}):
            busy = 100 * self.content["machine"]["busy"]
            logger.warning(
                "%s: other processes kept %.0f%% of the device's CPU busy while the profile was "
                "made, so that its times are too long; make it again when it is quiet",
                *(self.name, busy),
            )

    def milliseconds(
        self, shape: ExpectedShape, quantize: QuantizeConfig | None, *, reads_first: bool
    ) -> float:
        """What a median batch is expected to take.

        Args:
            shape: Of the model.
            quantize: How its file is quantized, if it is.
            reads_first: Whether the last layer is computed for the first position alone.
        """
        own = self.conditions
        counts = work(shape, own["length"], own["batch"], reads_first)
        return self._fitted[self._kind(quantize)](counts) * float(self.content["reference_ms"])

    @cached_property
    def _fitted(self) -> dict[str, Fitted]:
        own, found = self.conditions, {}
        blocks = self.content["blocks"]
        for kind in dict.fromkeys(block["kind"] for block in blocks):
            points = [block for block in blocks if block["kind"] == kind]
            found[kind] = Fitted(
                [work(_shape_of(each), own["length"], own["batch"], True) for each in points],
                [float(each["ratio"]) for each in points],
            )
        return found

    def _kind(self, quantize: QuantizeConfig | None) -> str:
        """What a profile calls files that are quantized so."""
        kind = None
        if quantize is None:
            kind = "fp32"
        elif quantize.keep_sensitive == 0 and quantize.group_size is None:
            if not quantize.float_activations:
                kind = "int8-static" if quantize.static_activations else "int8-dynamic"
            elif quantize.bits < 8:
                kind = f"int{quantize.bits}"
        if kind is None or kind not in self._fitted:
            raise InputError(
                f"{self.name}: the profile has no files that are quantized so; leave "
                "`keep_sensitive` and `group_size` out, or search on the device itself"
            )
        return kind


def _check(content: dict[str, Any]) -> None:
    """Refuses numbers that no device has.

    Raises:
        ValueError: One is none, or out of range.
    """
    if content["runtime"] not in FORMATS:
        raise ValueError(f"runtime is {content['runtime']!r:.40}")
    for name in ("length", "batch", "threads"):
        _within(content, name, 1, _MOST)
    _within(content, "reference_ms", 1e-6, _MOST)
    for block in content["blocks"]:
        if block["kind"] not in KINDS:
            raise ValueError(f"kind is {block['kind']!r:.40}")
        _within(block, "layers", 1, _MOST_LAYERS)
        for name in _SHAPE[1:]:
            _within(block, name, 1, _MOST)
        _within(block, "ratio", 1e-6, _MOST)
    for kind in KINDS:
        if sum(block["kind"] == kind for block in content["blocks"]) < _FEWEST:
            raise ValueError(f"it has fewer than {_FEWEST} blocks of {kind}")


def _within(values: dict[str, Any], name: str, least: float, most: float) -> None:
    value = values[name]
    number = isinstance(value, int if isinstance(least, int) else (int, float))
    if not number or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name} is {value!r:.40}")


def _shape_of(block: dict[str, Any]) -> ExpectedShape:
    layers, width, heads, neurons = (int(block[name]) for name in _SHAPE)
    return ExpectedShape(
        "bert",
        layers=layers,
        hidden_size=width,
        head_size=width // heads,
        head_counts=(heads,) * layers,
        neuron_counts=(neurons,) * layers,
        embedding_size=width,
    )
