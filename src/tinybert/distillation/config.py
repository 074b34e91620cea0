"""The settings of a distillation: of every kind, and of that on a task's rows."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tinybert.base.errors import PlacedError
from tinybert.modeling.mapping import DistillationMapping
from tinybert.training.config import TrainingConfig
from tinybert.training.rows_config import RowsConfig
from tinybert.training.rules import TeachingRuleConfig
from tinybert.training.section import Config

LAYER_LOSSES = ("hidden", "attention", "relations")
"""The losses that compare layers of the encoders."""


class DistillationConfig(TrainingConfig):
    """Which losses, how strong, between which layers; a weight of 0 leaves its loss out."""

    embedding: float = Field(0.0, ge=0, description="weight of the embeddings")
    hidden: float = Field(0.0, ge=0, description="weight of the hidden states")
    attention: float = Field(0.0, ge=0, description="weight of the attention maps")
    relations: float = Field(
        0.0, ge=0, description="weight of MiniLMv2's query, key and value relations"
    )
    hidden_loss: Literal["mse", "cosine"] = Field(
        "mse", description="how embeddings and hidden states are compared"
    )
    projection: Literal["layer", "shared"] = Field(
        "layer", description="to the teacher's width: one a layer, or one for all layers"
    )
    attention_loss: Literal["kl", "scores"] = Field(
        "kl", description="KL of attention probabilities, or squared error of scores (TinyBERT)"
    )
    relation_heads: int = Field(12, gt=0, description="must divide both hidden sizes")
    mapping: DistillationMapping = Field(
        "uniform", description="teacher layer (from 1) that each student layer learns from"
    )
    dropout: float = Field(
        0.0, ge=0, lt=1, description="of the student while it learns; the saved model keeps its own"
    )

    def weights(self) -> dict[str, float]:
        """The weight of each loss."""
        return {name: getattr(self, name) for name in ("embedding", *LAYER_LOSSES)}

    @property
    def compares_layers(self) -> bool:
        """Whether a loss compares layers of the encoders: a mapping must pair them."""
        return any(getattr(self, name) for name in LAYER_LOSSES)

    @model_validator(mode="after")
    def _something_to_learn(self) -> "DistillationConfig":
        if not any(self.weights().values()):
            raise ValueError("every loss has weight 0: nothing to learn from")
        return self

    def effects(self) -> dict[str, tuple[bool, str]]:
        """Options of losses may be of some that are left out."""
        projects = bool(self.embedding or self.hidden)
        return {
            "hidden_loss": (projects, "embedding and hidden have weight 0"),
            "projection": (projects, "embedding and hidden have weight 0"),
            "attention_loss": (bool(self.attention), "attention has weight 0"),
            "relation_heads": (bool(self.relations), "relations has weight 0"),
            "mapping": (
                self.compares_layers,
                "hidden, attention and relations have weight 0: no layers are compared",
            ),
        }


class TeacherConfig(Config):
    """A teacher beside the recipe's own."""

    model: str = Field(description="path or hub id; with the same labels")
    weight: float = Field(1.0, gt=0, description="of its predictions; the recipe's own has 1")


class DistillConfig(RowsConfig, DistillationConfig):
    """Trains the student to do on the task's rows as the teacher does.

    The defaults are the cheapest that do well in trials on held-out training rows, for a student
    that starts from its teacher: with predictions alone the teacher is asked once, and its answers
    are kept. Intermediate losses bring the student nearer to it (`relations: 1, mapping: last`
    most, for half as much time again); the metric hardly shows it. They say little about a
    student that starts at random.
    """

    epochs: float = Field(3, gt=0, description="passes over the training rows")
    learning_rate: float = Field(1e-4, gt=0, description="peak of the schedule")
    prediction: float = Field(1.0, ge=0, description="weight of the teacher's predictions")
    prediction_loss: Literal["soft-labels", "logits", "cosine"] = Field(
        "soft-labels",
        description="KL of softened predictions (of each label alone where several may be right), "
        "squared error of logits, or one minus the cosine of vectors of texts; values of a "
        "regression, and vectors unless told otherwise, are compared by their squared error",
    )
    temperature: float = Field(4.0, gt=0, description="softens predictions before comparing them")
    label: float = Field(0.0, ge=0, description="weight of the data's own labels")
    similarities: float = Field(
        0.0, ge=0, description="weight of how alike the teacher finds the texts of a batch: vectors"
    )
    widths: list[Annotated[int, Field(gt=0)]] = Field(
        [],
        description="similarities also of so many first numbers of a vector alone, so that it can "
        "be cut (Matryoshka)",
    )
    teachers: list[TeacherConfig] = Field(
        [], description="more teachers: their predictions are averaged with the first one's"
    )
    rules: list[TeachingRuleConfig] = Field(
        [], description="one more, weak, teacher: labels of texts that have a pattern"
    )
    weights_schedule: str = Field(
        "constant",
        description="how the weights change: constant, two-phase (TinyBERT), ramp, or your own "
        "'module:function' of a tinybert.distillation.schedules.Moment",
    )
    cache: Literal["logits", "all", "off"] = Field(
        "logits",
        description="compute what the teacher gives once for all epochs, seeds and runs: where "
        "that is its logits only; also its hidden states and attention, which are large; or never, "
        "as of causal-lm, whose answers are the whole vocabulary at every token",
    )

    @model_validator(mode="after")
    def _texts_are_compared(self) -> "DistillConfig":
        if self.similarities and self.batch_size < 2:
            raise ValueError("batch_size: similarities are of texts of a batch: give 2 or more")
        return self

    @model_validator(mode="after")
    def _rules_are_heard(self) -> "DistillConfig":
        if self.rules and not (self.prediction and self.prediction_loss == "soft-labels"):
            raise ValueError("rules: they are soft labels, and none are compared")
        return self

    @model_validator(mode="after")
    def _teachers_are_heard(self) -> "DistillConfig":
        if self.teachers and not (self.prediction or self.similarities):
            raise ValueError("teachers: only their predictions count, and prediction has weight 0")
        return self

    @model_validator(mode="after")
    def _weights_weigh(self) -> "DistillConfig":
        if self.class_weights is not None and not self.label:
            raise ValueError(
                "class_weights: weigh the loss of labels, and label has weight 0; set it, or take "
                "sampling"
            )
        if self.early_stopping is not None and self.weights_schedule != "constant":
            raise ValueError(
                f"early_stopping: compares losses, and weights_schedule {self.weights_schedule!r} "
                "changes what they are the sum of; leave one of them out"
            )
        return self

    @property
    def learns_labels(self) -> bool:
        """Whether it looks at the labels of rows."""
        return bool(self.label) or self.balances

    def effects(self) -> dict[str, tuple[bool, str]]:
        """Predictions have options too."""
        soft = bool(self.prediction) and self.prediction_loss == "soft-labels"
        return super().effects() | {
            "prediction_loss": (bool(self.prediction), "prediction has weight 0"),
            "temperature": (soft, "no soft labels are compared"),
            "widths": (bool(self.similarities), "similarities has weight 0"),
        }

    def weights(self) -> dict[str, float]:
        """The weight of each loss."""
        own = {name: getattr(self, name) for name in ("prediction", "label", "similarities")}
        return own | super().weights()

    def check_vectors(self, vector: int | None) -> None:
        """Refuses what compares vectors of texts where there are none, or shorter ones.

        Args:
            vector: Numbers of one; None where the task is another.

        Raises:
            InputError: A `PlacedError` at the key.
        """
        cosine = bool(self.prediction) and self.prediction_loss == "cosine"
        asked = {"prediction_loss": cosine, "similarities": bool(self.similarities)}
        for name in (name for name, asks in asked.items() if asks and vector is None):
            raise PlacedError("compares vectors of texts, which sentence-embedding has", (name,))
        if len({*self.widths}) < len(self.widths):
            raise PlacedError("a width is there twice", ("widths",))
        for width in self.widths:
            if vector is not None and width >= vector:
                raise PlacedError(f"{width}: vectors have {vector} numbers in all", ("widths",))
