"""The settings of `distill`."""

from pydantic import Field, model_validator

from tinybert.layers import LayerMapping
from tinybert.training.config import TrainingConfig


class DistillConfig(TrainingConfig):
    """Trains the student to do as the teacher does; a weight of 0 leaves its loss out.

    The defaults did best in a handful of short trials on sentences held out of SST-2's training
    rows, for a student that starts from its teacher: neither the intermediate losses nor dropout
    helped there. They say little about a student that starts at random.

    Two phases, as in TinyBERT's paper, are two `distill` steps: the first with
    `prediction: 0`, the second with the other weights at 0.
    """

    epochs: float = Field(3, gt=0, description="passes over the training rows")
    learning_rate: float = Field(1e-4, gt=0, description="peak of the schedule")
    prediction: float = Field(1.0, ge=0, description="weight of the teacher's predictions")
    embedding: float = Field(0.0, ge=0, description="weight of the embeddings")
    hidden: float = Field(0.0, ge=0, description="weight of the hidden states")
    attention: float = Field(0.0, ge=0, description="weight of the attention maps")
    label: float = Field(0.0, ge=0, description="weight of the data's own labels")
    dropout: float = Field(
        0.0, ge=0, lt=1, description="of the student while it learns; the saved model keeps its own"
    )
    temperature: float = Field(4.0, gt=0, description="softens predictions before comparing them")
    mapping: LayerMapping = Field(
        "uniform", description="teacher layer (from 1) that each student layer learns from"
    )

    @model_validator(mode="after")
    def _some_loss(self) -> "DistillConfig":
        weights = (self.prediction, self.embedding, self.hidden, self.attention, self.label)
        if not any(weights):
            raise ValueError("every loss has weight 0: nothing to learn from")
        return self
