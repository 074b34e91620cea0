"""What a step can look at before a run begins."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from tinybert.tasks.task import Examples, Task


@dataclass(frozen=True)
class Materials:
    """What a recipe names, read.

    Attributes:
        teacher: Path or hub id of the recipe's teacher.
        config: Its config.json.
        tokenizer: The teacher's.
        task: With the label names in the teacher's order.
        train: The training rows; None where a step before makes others, or none are needed.
        max_length: Tokens that a row is cut to.
        check_length: Refuses a number of positions, None for any, that rows of `max_length` don't
            fit in, of a model whose name is given; the error is that of `data.max_length`.
        hash_corpus: Hash of `data.unlabeled`, whose errors are at that key; None where the recipe
            names no corpus.
    """

    teacher: str
    config: Mapping[str, Any]
    tokenizer: "PreTrainedTokenizerBase"
    task: "Task"
    train: "Examples | None"
    max_length: int
    check_length: Callable[[int | None, str], None]
    hash_corpus: Callable[[], str] | None
