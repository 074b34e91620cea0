"""The settings of `quantize`."""

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from tinybert.base.errors import PlacedError
from tinybert.distillation.config import DistillConfig
from tinybert.families import Capability
from tinybert.steps.base import Need
from tinybert.steps.choice import Choice
from tinybert.steps.distilling import DistillingConfig
from tinybert.steps.expected import Expected, Plan


class QuantizedDistillConfig(DistillConfig):
    """How a model learns while it is fake-quantized: as in `distill`, but shorter and gentler."""

    epochs: float = Field(1, gt=0, description="passes over the training rows")
    learning_rate: float = Field(5e-5, gt=0, description="peak of the schedule")


class QuantizeConfig(DistillingConfig):
    """Weights and embedding tables in 8, 4 or 2 bits, products of layers in int8 where they pay.

    `static` and `qat` read training rows; `qat` trains. Kept layers are found on training rows
    whatever the method. A `dynamic` file measures the range of a whole batch, so that an answer
    depends a little on the texts beside it; the other methods' files answer each text alone.
    """

    name: ClassVar[str] = "quantize"
    function: ClassVar[str] = "tinybert.steps.quantize.step:prepare"
    works_on: ClassVar[Literal["artifact"]] = "artifact"
    trains: ClassVar[bool] = True
    shrinks: ClassVar[bool] = True

    method: Literal["dynamic", "static", "qat", "weight-only"] = Field(
        "dynamic",
        description="dynamic: the range of each activation is measured as it comes; "
        "static: beforehand, on training rows; qat: as static, and the model learns to live with "
        "it; weight-only: activations stay float, the file alone gets smaller",
    )
    bits: Literal[8, 4, 2] = Field(
        8,
        description="of the weights of linear layers and of tables; with 2, which want `qat`, "
        "tables have 4",
    )
    group_size: Literal[32, 64, 128] | None = Field(
        None,
        description="neighbouring weights that share a scale, where activations are float; "
        "default: all of an output channel or of a table's row",
    )
    rounding: Literal["nearest", "gptq"] = Field(
        "nearest",
        description="of weight-only: gptq rounds each weight so as to make up for those before it, "
        "by what flows through the layer on training rows (arXiv:2210.17323)",
    )
    bias_correction: bool = Field(
        True,
        description="of static: what rounding adds to the mean of a layer's output on training "
        "rows is taken off its bias (arXiv:1906.04721)",
    )
    embeddings: bool = Field(True, description="quantize the embedding tables too")
    activations: bool = Field(
        True, description="of qat: quantize activations too; else it trains for weight-only files"
    )
    attention: bool = Field(
        True,
        description="in OpenVINO files of BERT, RoBERTa and the like, multiply queries by keys "
        "and attention probabilities by values as integers too, where `static` or `qat` know the "
        "ranges",
    )
    reduce_range: bool = Field(
        False,
        description="weights of 7 bits: for OpenVINO files on x86 without VNNI (Intel's before "
        "2019, AMD's before Zen 4), where sums of int8 products of 8 bits saturate; ONNX files run "
        "exactly there too, by `tinybert.load`",
    )
    keep_sensitive: int = Field(
        0,
        ge=0,
        description="linear layers kept in higher precision (float, or 8 bits among 4): those "
        "whose quantization alone changes the logits most",
    )
    calibration_rows: int = Field(
        512, gt=0, description="training rows on which ranges and sensitivity are measured"
    )
    ranges: Literal["observed", "learned"] = Field(
        "observed",
        description="of activations in qat: the smallest and largest value of late, or learned "
        "as LSQ does (arXiv:1902.08153)",
    )
    observe_steps: int = Field(
        1000,
        gt=0,
        description="optimizer steps of qat after which observed ranges are renewed (the "
        "article's)",
    )
    distill: QuantizedDistillConfig = Field(
        QuantizedDistillConfig(), description="how qat trains; the keys of `distill`"
    )

    def choices(self, plan: Plan) -> dict[str, Choice]:
        """Bits of weights: fewer make the file smaller, and products of floats are slower."""
        if self.method != "qat":
            return {}
        floats: dict[str, Any] = {"activations": False}
        settings = ({"bits": 2, **floats}, {"bits": 4, **floats}, {"bits": 8})
        return {"bits": Choice(settings, (2.0, 0.4, 0.0))}

    def tunes(self) -> dict[str, Choice]:
        """How fast `qat` learns: weights of few bits want more."""
        if self.method != "qat":
            return {}
        rates = ({"distill": {"learning_rate": rate}} for rate in (5e-5, 2e-4, 4e-4))
        return {"learning_rate": Choice((*rates,), (0.0, 0.2, 0.4))}

    @property
    def prepares(self) -> bool:
        """Whether the model itself is worked on before the export."""
        return self.method in ("static", "qat") or self.observes_inputs

    @property
    def measures(self) -> bool:
        """Whether something is measured on training rows."""
        return self.static_activations or self.observes_inputs

    @property
    def observes_inputs(self) -> bool:
        """Whether sensitivity or what flows through layers is measured, whatever the method."""
        return self.keep_sensitive > 0 or self.rounding == "gptq"

    @property
    def opens_layers(self) -> bool:
        """Where it trains: a distillation may compare them."""
        return self.distills

    @property
    def within(self) -> DistillConfig | None:
        """The distillation of `qat`."""
        return self.distill if self.method == "qat" else None

    def asks(self) -> dict[str, tuple[Capability, ...]]:
        """Layers whose weights and inputs can be worked on."""
        by_method: dict[str, tuple[Capability, ...]] = {"static": ("static",), "qat": ("qat",)}
        asked = {"method": by_method.get(self.method, ())}
        return asked | ({"rounding": ("gptq",)} if self.rounding == "gptq" else {})

    def needs(self, corpus: bool) -> set[Need]:
        """Rows, for ranges, sensitivity and training."""
        return super().needs(corpus) | ({"rows"} if self.prepares else set())

    @property
    def static_activations(self) -> bool:
        """Whether ranges of activations are known before the model runs."""
        return self.method == "static" or (self.method == "qat" and self.activations)

    @property
    def float_activations(self) -> bool:
        """Whether layers compute with float activations."""
        return self.method == "weight-only" or (self.method == "qat" and not self.activations)

    def effects(self) -> dict[str, tuple[bool, str]]:
        """Most options are of some methods alone."""
        trains = self.method == "qat"
        return {
            "group_size": (
                self.float_activations,
                "scales of groups need float activations: `method: weight-only`, or `qat` "
                "with `activations: false`",
            ),
            "activations": (
                trains,
                "only `method: qat` may leave activations float; for weights alone there is "
                "`method: weight-only`",
            ),
            "rounding": (
                self.method == "weight-only",
                "gptq is for `method: weight-only`; qat trains the weights instead",
            ),
            "bias_correction": (
                self.method == "static",
                "only `method: static` corrects biases; qat trains them, and gptq keeps means",
            ),
            "attention": (
                self.static_activations,
                "its products are integers only where ranges are known beforehand",
            ),
            "reduce_range": (
                self.bits == 8 and not self.float_activations,
                "is about integer products of 8-bit weights, and there are none",
            ),
            "calibration_rows": (
                self.measures,
                "nothing is measured on training rows with this method",
            ),
            "ranges": (
                trains and self.activations,
                "only `method: qat` with quantized activations trains them",
            ),
            "observe_steps": (
                trains and self.activations and self.ranges == "observed",
                "only `method: qat` with `ranges: observed` renews them",
            ),
            "distill": (trains, "only `method: qat` trains"),
        }

    @model_validator(mode="after")
    def _nothing_is_ignored(self) -> "QuantizeConfig":
        self.refuse_unused()
        if self.bits == 2 and not self.float_activations:
            raise ValueError(
                "bits: weights of 2 bits are multiplied as floats: `method: qat` with "
                "`activations: false`, or `weight-only`"
            )
        if self.bits == 2 and self.rounding == "gptq":
            raise ValueError(
                "rounding: gptq looks for the best of many values, and 2 bits have four; use `qat`"
            )
        return self

    def check(self, before: Expected, plan: Plan) -> Expected:
        """The same shape; `qat` must be able to compare it with the teacher's."""
        self.check_within(before, plan, before.shape)
        if self.bits == 2 and before.zeros_by is not None:
            raise PlacedError(
                f"2 bits have no 0, and `{before.zeros_by}` has set weights to it; use 4", ("bits",)
            )
        return super().check(before, plan)
