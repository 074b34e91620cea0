"""The settings of `general-distill`."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, model_validator

from tinybert.base.errors import InputError, placed
from tinybert.distillation.check import check_layers
from tinybert.distillation.config import DistillationConfig
from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.runtime.config import max_positions, read_config, require_positions
from tinybert.steps.base import Need, StepConfig
from tinybert.steps.expected import Expected, Plan
from tinybert.training.materials import Materials

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from tinybert.tasks.task import Task

FINE_TUNED = "fine-tuned"
"""The name, as a teacher, of that of the steps which follow."""


class GeneralDistillConfig(DistillationConfig, StepConfig):
    """Trains the student's encoder on a corpus, `data.unlabeled`, as the teacher's encoder does.

    Unless told otherwise the teacher is the recipe's as it was given, before any `finetune`.
    Batch and epochs are the articles'. Their learning rate, 3e-5, is far too small for a student
    that starts at random: it is MiniLMv2's (arXiv:2012.15828, section 4.1).
    """

    name: ClassVar[str] = "general-distill"
    function: ClassVar[str] = "tinybert.steps.general_distill.step:general_distill"
    trains: ClassVar[bool] = True

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

    def effects(self) -> dict[str, tuple[bool, str]]:
        """Predictions have options too."""
        heard = bool(self.prediction), "prediction has weight 0"
        return super().effects() | {"temperature": heard, "prediction_share": heard}

    @property
    def fine_tuned(self) -> bool:
        """Whether the teacher is that of the steps that follow."""
        return self.teacher == FINE_TUNED

    @property
    def other_teacher(self) -> str | None:
        """Path or hub id of a teacher that is not the recipe's."""
        return None if self.fine_tuned else self.teacher

    @property
    def opens_layers(self) -> bool:
        """It compares them."""
        return True

    @property
    def reads_corpus(self) -> bool:
        """It trains on one."""
        return True

    def needs(self, corpus: bool) -> set[Need]:
        """No rows: it trains on a corpus."""
        return set()

    def weights(self) -> dict[str, float]:
        """The weight of each loss."""
        return {"vocabulary": self.prediction} | super().weights()

    def check(self, before: Expected, plan: Plan) -> Expected:
        """It needs a student with its teacher's whole vocabulary, and all of its tokens."""
        before.require_student()
        if before.trimmed_by is not None:
            raise InputError(
                f"its teacher has the whole vocabulary; put it before `{before.trimmed_by}`"
            )
        before.require_every_token()
        if before.foreign:
            raise InputError(
                "compares tokens, and the teacher makes others of a text than the student; take a "
                "`student.base` with the teacher's tokenizer, or leave this step out"
            )
        if before.shape is not None:
            self._check_teacher(before.shape, plan)
        return super().check(before, plan)

    def _check_teacher(self, student: ExpectedShape, plan: Plan) -> None:
        from tinybert.modeling.hub import find_folder

        with placed("length"):
            require_positions(student.positions, self.length, "the student")
        with placed("teacher"):
            other = self.other_teacher
            config = plan.config if other is None else read_config(find_folder(other))
            teacher, positions = ExpectedShape.of(config), max_positions(config)
        check_layers(self, teacher, student)
        with placed("length"):
            require_positions(positions, self.length, "the teacher")

    def read(self, materials: Materials) -> list[str]:
        """Checks the teacher; hashes it and the corpus."""
        hashes = self._read_teacher(materials)
        if materials.hash_corpus is None:
            raise InputError("needs a corpus: name it in data.unlabeled")
        return [*hashes, materials.hash_corpus()]

    def _read_teacher(self, materials: Materials) -> list[str]:
        from tinybert.modeling.hub import find_folder, hash_model
        from tinybert.modeling.load import load_masked_lm, masked_lm_head
        from tinybert.modeling.other_models import check_vocabulary

        # Predictions ask more of the recipe's teacher than the other losses.
        if self.fine_tuned or (self.other_teacher is None and not self.prediction):
            return []
        with placed("teacher" if self.other_teacher is not None else "prediction"):
            folder = find_folder(self.other_teacher or materials.teacher)
            check_vocabulary(folder, materials.tokenizer)
            if self.prediction:
                masked_lm_head(load_masked_lm(folder))
        return [hash_model(folder)]

    def load_teacher(self, given: Path, task: "Task") -> "PreTrainedModel | None":
        """Its own; of an un-fine-tuned one, which has no head for the task, the encoder matters."""
        if self.fine_tuned:
            return None
        from tinybert.modeling.hub import find_folder
        from tinybert.modeling.load import load_masked_lm, load_model

        folder = find_folder(self.other_teacher or str(given))
        if self.prediction:
            return load_masked_lm(folder)
        return load_model(folder, task, new_head=True)
