"""What every step is given beside its settings and the model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tinybert.base.progress import Progress, ProgressCallback, silent
from tinybert.tasks.task import Examples, Task, Text
from tinybert.training.batches import EncodedExamples

MANY_ROWS = 50_000
"""The rows whose tokenization takes more than a moment."""


@dataclass(frozen=True)
class Context:
    """The world of one step.

    Attributes:
        task: Labels, head and metrics.
        train: The training rows.
        tokenizer: Of the student, and of the teacher as the step sees it unless it has its own.
        max_length: Tokens a row is truncated to.
        seed: Of everything random in the step.
        folder: Where the step may keep files while it runs, such as checkpoints.
        teacher: The model to learn from; None before the first step that makes it smaller. That
            of a general distillation may have a head of random weights.
        teacher_tokenizer: The teacher's, where it makes other tokens of a text than the student.
        unlabeled: The recipe's corpus of plain text, as `read_corpus` takes it.
        measured_on: The texts of the evaluation split, which nothing may be learned from.
        progress: Called as the step goes on.
        latencies: Milliseconds a row of what each of several models is exported to, measured side
            by side; for steps that choose by speed.
        kept_pieces: Where the student's vocabulary was trimmed, the ids that its pieces had
            before: another teacher has to be trimmed likewise.
        given: Path or hub id of the recipe's teacher, as it was before any step.
        part_teachers: Of several tasks the folder of each one's teacher, whose predictions are
            learned in place of `teacher`'s.
    """

    task: Task
    train: Examples
    tokenizer: PreTrainedTokenizerBase
    max_length: int
    seed: int
    folder: Path
    teacher: PreTrainedModel | None = None
    teacher_tokenizer: PreTrainedTokenizerBase | None = None
    unlabeled: tuple[str, ...] = ()
    measured_on: frozenset[Text] = frozenset()
    progress: ProgressCallback = silent
    latencies: Callable[[Sequence[PreTrainedModel]], list[float]] | None = None
    kept_pieces: tuple[int, ...] | None = None
    given: str | None = None
    part_teachers: tuple[Path, ...] = ()


def encoded(context: Context, rows: Examples) -> EncodedExamples:
    """Rows as the student reads them; how far that is is told where they are many.

    Args:
        context: Has tokenizer, length and task.
        rows: Those of the context, perhaps with other labels.
    """

    def report(done: int, total: int) -> None:
        if total >= MANY_ROWS:
            context.progress(Progress("tokenize", done, total))

    return EncodedExamples(rows, context.tokenizer, context.max_length, context.task, report)
