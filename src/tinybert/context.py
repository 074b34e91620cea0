"""What every step is given beside its settings and the model."""

from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tinybert.progress import ProgressCallback, silent
from tinybert.tasks.base import Examples, Task


@dataclass(frozen=True)
class Context:
    """The world of one step.

    Attributes:
        task: Labels, head and metrics.
        train: The training rows.
        tokenizer: Of the teacher, which every student shares.
        max_length: Tokens a row is truncated to.
        seed: Of everything random in the step.
        folder: Where the step may keep files while it runs, such as checkpoints.
        teacher: The model to learn from; None before `student`. That of a general
            distillation may have a head of random weights.
        unlabeled: The corpus of a general distillation, as `read_corpus` takes it.
        progress: Called as the step goes on.
    """

    task: Task
    train: Examples
    tokenizer: PreTrainedTokenizerBase
    max_length: int
    seed: int
    folder: Path
    teacher: PreTrainedModel | None = None
    unlabeled: tuple[str, ...] = ()
    progress: ProgressCallback = silent
