"""What a shape costs as a file: bytes are counted, time and memory expected by measured shapes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tinybert.base.files import hash_value
from tinybert.base.progress import ProgressCallback, silent
from tinybert.measure.device import Device
from tinybert.measure.latency import Fitted, work
from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.modeling.last_layer import reads_first_position
from tinybert.recipe.budget import BudgetConfig
from tinybert.runtime.config import max_positions
from tinybert.search.census import Census
from tinybert.search.measured import Conditions, Figures, Measurements
from tinybert.steps.quantize.config import QuantizeConfig

TIMED = ("latency_ms", "memory_mb")


@dataclass(frozen=True)
class Costs:
    """What a file costs.

    Attributes:
        bytes: Of all files that inference reads.
        latency_ms: Expected median of a batch; None where no budget asks for it.
        memory_mb: The most memory of its process, likewise.
    """

    bytes: int
    latency_ms: float | None = None
    memory_mb: float | None = None


@dataclass
class CostModel:
    """Costs of students of one teacher in one format.

    Args:
        measurements: Of shapes with random weights.
        teacher: The shape of the teacher.
        device: Whose time counts; None for this machine's.
    """

    measurements: Measurements
    teacher: ExpectedShape
    device: Device | None = None
    _census: Census = field(init=False, repr=False)
    _kinds: dict[str, "_Kind"] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._census = Census(self.measurements.teacher)

    def predict(self, shape: ExpectedShape, quantize: QuantizeConfig | None) -> Costs:
        """What a shape is expected to cost.

        Args:
            shape: Of the model.
            quantize: How its file is quantized, if it is.
        """
        return self._kind(quantize).predict(shape)

    def measure(self, shape: ExpectedShape, quantize: QuantizeConfig | None) -> Costs:
        """What a file of that shape with random weights costs; later predictions know it too."""
        kind = self._kind(quantize)
        kind.learn([replace(shape, vocabulary=None)])
        return kind.predict(shape)

    def _kind(self, quantize: QuantizeConfig | None) -> "_Kind":
        key = hash_value(quantize and quantize.model_dump())
        if key not in self._kinds:
            kind = _Kind(self.measurements, self._census, quantize, self.device)
            kind.learn(first_shapes(self.teacher, self.measurements.conditions is not None))
            self._kinds[key] = kind
        return self._kinds[key]


@dataclass
class _Kind:
    """Costs of files that are quantized alike."""

    measurements: Measurements
    census: Census
    quantize: QuantizeConfig | None
    device: Device | None
    points: dict[ExpectedShape, Figures] = field(default_factory=dict)

    def learn(self, shapes: Sequence[ExpectedShape]) -> None:
        """Measures shapes, and fits all that is expected to what is known now."""
        new = [shape for shape in shapes if shape not in self.points]
        self.points |= zip(new, self.measurements.of(new, self.quantize), strict=True)
        figures = self.points.values()
        self._graph = Fitted(
            [[1.0, shape.layers] for shape in self.points],
            [max(each.bytes - self._weights(shape), 1.0) for shape, each in self.points.items()],
        )
        self._beside = min(each.deployed - each.bytes for each in figures)
        self._reads_first = reads_first_position(self.measurements.teacher)
        conditions = self.measurements.conditions
        if conditions is None:
            return
        self._time = Fitted(
            [self._work(shape, conditions) for shape in self.points],
            [each.ratio or 0.0 for each in figures],
        )
        self._memory = Fitted(
            [self._held(shape) for shape in self.points],
            [each.memory_mb or 0.0 for each in figures],
        )
        # Others at work slow the reference as well as the rest: the quietest run is the machine's.
        self._reference_ms = min(each.reference_ms or 0.0 for each in figures)

    def predict(self, shape: ExpectedShape) -> Costs:
        """What a shape is expected to cost."""
        tokenizer = self.measurements.tokenizer
        whole = self.measurements.teacher.config.vocab_size
        missing = 0 if shape.vocabulary is None else whole - shape.vocabulary
        piece = len(tokenizer.backend_tokenizer.to_str()) / len(tokenizer)
        size = self._weights(shape) + self._graph([1.0, shape.layers]) + self._beside
        size -= missing * piece
        conditions = self.measurements.conditions
        time = memory = None
        if conditions is not None:
            known = self.points.get(replace(shape, vocabulary=None))
            ratio = None if known is None else known.ratio
            if ratio is None:
                ratio = self._time(self._work(shape, conditions))
            time, memory = ratio * self._reference_ms, self._memory(self._held(shape))
        if self.device is not None:
            first = self._reads_first
            time = self.device.milliseconds(shape, self.quantize, reads_first=first)
        return Costs(round(size), time, memory)

    def _weights(self, shape: ExpectedShape) -> float:
        return self.census.count(shape).bytes(self.quantize)

    def _work(self, shape: ExpectedShape, conditions: Conditions) -> list[float]:
        return work(shape, conditions.length, conditions.batch, self._reads_first)

    def _held(self, shape: ExpectedShape) -> list[float]:
        """What memory grows with: the file, and weights that are made float when it is loaded."""
        count = self.census.count(shape)
        return [1.0, count.bytes(self.quantize) / 1e6, count.matrices / 1e6]


_FIRST: tuple[tuple[float, float, bool, float], ...] = (
    (1.0, 13 / 16, True, 0.8),
    (0.0, 1.0, True, 1.0),
    (0.5, 13 / 16, False, 0.4),
    (0.5, 1 / 2, True, 0.5),
    (1.0, 1 / 2, False, 1.0),
    (0.3, 2 / 3, True, 0.25),
    (0.7, 1 / 3, False, 0.5),
    (1.0, 1.0, True, 0.3),
)
"""Shapes that are measured first: shares of the teacher's layers, width and neurons, and whether
they have all of its heads."""

_WEIGHED = 3
"""How many of them tell what the description of a graph takes."""


def first_shapes(teacher: ExpectedShape, timed: bool) -> list[ExpectedShape]:
    """The shapes whose figures all others are expected by."""
    found = []
    narrow = teacher.embedding_size != teacher.hidden_size
    for deep, wide, all_heads, inner in _FIRST if timed else _FIRST[:_WEIGHED]:
        layers = max(round(deep * teacher.layers), 1)
        heads = teacher.heads if all_heads else min(4, teacher.heads)
        step = 2 * heads
        width = max(round(wide * teacher.hidden_size / step), 1) * step
        found.append(
            ExpectedShape(
                teacher.model_type,
                layers=layers,
                hidden_size=width,
                head_size=width // heads,
                head_counts=(heads,) * layers,
                neuron_counts=(max(round(inner * teacher.neurons / 8), 1) * 8,) * layers,
                embedding_size=teacher.embedding_size if narrow else width,
            )
        )
    return [*dict.fromkeys(found)]


def cost_model(
    budget: BudgetConfig,
    asked: Mapping[str, float],
    target: str,
    teacher: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    progress: ProgressCallback = silent,
    device: Device | None = None,
) -> CostModel:
    """The costs that a budget asks for.

    Args:
        budget: Says which batch counts.
        asked: Its bounds.
        target: The format.
        teacher: The model; its weights are not looked at.
        tokenizer: Of it.
        progress: Called as shapes are measured.
        device: Whose time counts; None for this machine's.
    """
    shape = ExpectedShape.of(teacher.config.to_dict())
    conditions = None
    timed = TIMED if device is None else ("memory_mb",)
    if any(name in asked for name in timed):
        most = max_positions(teacher.config.to_dict()) or budget.length
        conditions = Conditions(min(budget.length, most), budget.batch, budget.threads)
    reference = first_shapes(shape, timed=False)[0]
    measurements = Measurements(teacher, tokenizer, target, conditions, reference, progress)
    return CostModel(measurements, shape, device)
