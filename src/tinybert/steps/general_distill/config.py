"""The settings of `general-distill`."""

from pydantic import Field, model_validator

from tinybert.distillation.config import DistillationConfig

FINE_TUNED = "fine-tuned"
"""As the teacher of a general distillation: that of the steps which follow."""


class GeneralDistillConfig(DistillationConfig):
    """Trains the student's encoder on a corpus, `data.unlabeled`, as the teacher's encoder does.

    Unless told otherwise the teacher is the recipe's as it was given, before any `finetune`.
    Batch and epochs are the articles'. Their learning rate, 3e-5, is far too small for a student
    that starts at random: it is MiniLMv2's (arXiv:2012.15828, section 4.1).
    """

    epochs: float = Field(3, gt=0, description="passes over the corpus")
    max_tokens: int | None = Field(
        None, gt=0, description="stop after this many tokens of training; read no more than that"
    )
    batch_size: int = Field(32, gt=0, description="blocks in a forward pass")
    gradient_accumulation: int = Field(8, gt=0, description="forward passes an optimizer step")
    learning_rate: float = Field(6e-4, gt=0, description="peak of the schedule")
    warmup: float = Field(0.01, ge=0, lt=1, description="share of the steps that warm up")
    embedding: float = Field(1.0, ge=0, description="weight of the embeddings")
    hidden: float = Field(1.0, ge=0, description="weight of the hidden states")
    attention: float = Field(1.0, ge=0, description="weight of the attention maps")
    prediction: float = Field(
        0.0,
        ge=0,
        description="weight of the predictions that the teacher's masked-LM head makes of both "
        "models' last hidden states; needs a teacher with such a head",
    )
    temperature: float = Field(
        5.0, gt=0, description="softens predictions before comparing them; the articles'"
    )
    prediction_share: float = Field(
        0.125, gt=0, le=1, description="of the tokens whose predictions are compared"
    )
    length: int = Field(128, gt=2, description="tokens that the corpus is cut into blocks of")
    masking: float = Field(
        0.0, ge=0, lt=1, description="share of tokens hidden from both models; BERT's is 0.15"
    )
    teacher: str | None = Field(
        None,
        description="path or hub id of another teacher, with the same vocabulary; or `fine-tuned`, "
        "the teacher of the steps that follow, for a student that begins with its weights",
    )

    @model_validator(mode="after")
    def _predicts_by_a_head(self) -> "GeneralDistillConfig":
        if self.fine_tuned and self.prediction:
            raise ValueError("prediction: a fine-tuned teacher has no masked-LM head")
        return self

    def ineffective(self) -> dict[str, str]:
        """Of the losses that are left out."""
        heard = bool(self.prediction), "prediction has weight 0"
        return super().ineffective() | self._given(
            {"temperature": heard, "prediction_share": heard}
        )

    @property
    def fine_tuned(self) -> bool:
        """Whether the teacher is that of the steps that follow."""
        return self.teacher == FINE_TUNED

    @property
    def other_teacher(self) -> str | None:
        """Path or hub id of a teacher that is not the recipe's."""
        return None if self.fine_tuned else self.teacher

    @property
    def needs_rows(self) -> bool:
        """It trains on a corpus instead."""
        return False

    def weights(self) -> dict[str, float]:
        """The weight of each loss."""
        return {"vocabulary": self.prediction} | super().weights()
