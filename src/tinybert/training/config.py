"""The settings of one training run, as a recipe spells them."""

from importlib.util import find_spec
from typing import Literal

from pydantic import Field, model_validator

from tinybert.base.install import install_command
from tinybert.training.section import Config


class TrainingConfig(Config):
    """How long and how fast to train; the base of every step that trains."""

    epochs: float = Field(3, gt=0, description="passes over the training rows; 0.5 is half a pass")
    max_steps: int | None = Field(None, gt=0, description="stop after this many optimizer steps")
    batch_size: int = Field(32, gt=0, description="rows in a forward pass")
    gradient_accumulation: int = Field(1, gt=0, description="forward passes an optimizer step")
    learning_rate: float = Field(5e-5, gt=0, description="peak of the schedule")
    warmup: float = Field(0.1, ge=0, lt=1, description="share of the steps that warm up")
    schedule: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="how the learning rate falls after the warm-up"
    )
    weight_decay: float = Field(0.01, ge=0, description="AdamW's, not on biases and LayerNorms")
    bf16: bool | Literal["auto"] = Field(
        "auto", description="bfloat16 autocast; auto: where the hardware multiplies it natively"
    )
    fp16: bool | Literal["auto"] = Field(
        "auto",
        description="float16 autocast with loss scaling, on GPUs alone; auto: where `bf16` is auto "
        "and the GPU multiplies float16 natively, but not bfloat16",
    )
    gradient_checkpointing: bool = Field(
        False, description="recompute layers in the backward pass: less memory, a third slower"
    )
    compile: bool = Field(False, description="torch.compile; pays on GPUs and for long trainings")
    tensorboard: bool = Field(
        False, description="write loss curves into the step's folder, for `tensorboard --logdir`"
    )
    checkpoint_steps: int = Field(200, gt=0, description="optimizer steps between checkpoints")

    @model_validator(mode="after")
    def _one_precision(self) -> "TrainingConfig":
        if self.fp16 is not True:
            return self
        if self.bf16 is True:
            raise ValueError("fp16: bf16 is true too, and a model computes in one of them")
        import torch

        if not torch.cuda.is_available():
            raise ValueError(
                "fp16: needs a CUDA GPU, and here is none: CPUs compute faster in float32 or, "
                "some, in bfloat16; leave it out"
            )
        return self

    @model_validator(mode="after")
    def _tensorboard_is_there(self) -> "TrainingConfig":
        if self.tensorboard and find_spec("tensorboard") is None:
            raise ValueError(f"tensorboard is not installed: {install_command('tensorboard')}")
        return self
