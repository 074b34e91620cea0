"""What is expected of a model before and after each step, long before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinybert.base.errors import InputError
from tinybert.modeling.expected_shape import ExpectedShape


@dataclass(frozen=True)
class Plan:
    """What stays the same over a whole run.

    Attributes:
        config: The teacher's config.json; empty where it has not been read.
        teacher: The shape that it says; None where it has not been read, or no step asks for it.
        max_length: Tokens that a row is cut to.
        folder: The teacher's; None where it has not been read.
    """

    max_length: int
    config: Mapping[str, Any] = field(default_factory=dict)
    teacher: ExpectedShape | None = None
    folder: Path | None = None


@dataclass(frozen=True)
class Expected:
    """What is expected of the model at some point of a recipe.

    Attributes:
        shape: Of the model; None where the plan has no teacher's.
        shrunk_by: The first step that made it smaller: there is a student from then on.
        trimmed_by: The first step that changed the vocabulary.
        rows_by: The last step that made rows, which have no labels.
        zeros_by: The last step that set single weights to 0.
        exported_by: The step that works on the exported files.
        untrained: Whether the model's head, at least, has random weights.
        foreign: Whether the model makes other tokens of a text than the teacher.
    """

    shape: ExpectedShape | None = None
    shrunk_by: str | None = None
    trimmed_by: str | None = None
    rows_by: str | None = None
    zeros_by: str | None = None
    exported_by: str | None = None
    untrained: bool = False
    foreign: bool = False

    def require_student(self) -> None:
        """Refuses a step that trains a student where there is none.

        Raises:
            InputError: No step before made the model smaller.
        """
        if self.shrunk_by is None:
            raise InputError(
                "needs a `student` step before it, or another that makes the model smaller: who "
                "is to learn?"
            )

    def require_labels(self) -> None:
        """Refuses a step that learns from labels where the rows have none.

        Raises:
            InputError: A step before made the rows.
        """
        if self.rows_by is not None:
            raise InputError(f"needs labels, and the rows of `{self.rows_by}` have none")

    def require_every_token(self) -> None:
        """Refuses a step that looks at what layers compute for each token of a text.

        Raises:
            InputError: Layers compute some tokens only.
        """
        if self.shape is not None and self.shape.selects is not None:
            raise InputError(
                "can't work where layers compute some tokens only: put it before `shorten`, or "
                "take another teacher if that is one already"
            )
