"""Precision, recall and F1 of entities, as seqeval defines them, from counts that add up.

An entity is right where start, end and type are. Counts are summed over all rows and types before
anything is divided (seqeval's `average="micro"`).
"""

from collections.abc import Callable, Collection
from typing import Any

from numpy.typing import NDArray

from tinybert.tasks.spans import Span

COUNTS = ("right", "predicted", "strict_right", "strict_predicted", "true", "right_tags", "tags")
"""What a row is counted by, in the order of the axis of counts."""


def count(
    predicted: Collection[Span],
    strict: Collection[Span],
    true: Collection[Span],
    right_tags: int,
    tags: int,
) -> tuple[int, ...]:
    """The counts of one row.

    Args:
        predicted: The entities of the default mode.
        strict: Those of the strict mode.
        true: What the data say.
        right_tags: Words with the right tag.
        tags: Words.

    Example:
        >>> found = {Span(0, 1, "PER"), Span(3, 4, "LOC")}
        >>> count(found, set(), {Span(0, 1, "PER")}, 3, 4)
        (1, 2, 0, 0, 1, 3, 4)
    """
    wanted = set(true)
    right, strictly = (len(wanted.intersection(spans)) for spans in (predicted, strict))
    return right, len(predicted), strictly, len(strict), len(wanted), right_tags, tags


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0


ENTITY_METRICS: dict[str, Callable[[dict[str, float]], float]] = {
    "f1": lambda n: _ratio(2 * n["right"], n["predicted"] + n["true"]),
    "precision": lambda n: _ratio(n["right"], n["predicted"]),
    "recall": lambda n: _ratio(n["right"], n["true"]),
    "strict_f1": lambda n: _ratio(2 * n["strict_right"], n["strict_predicted"] + n["true"]),
    "strict_precision": lambda n: _ratio(n["strict_right"], n["strict_predicted"]),
    "strict_recall": lambda n: _ratio(n["strict_right"], n["true"]),
    "token_accuracy": lambda n: _ratio(n["right_tags"], n["tags"]),
}
"""Every metric by the name that recipes and report.json use; 0 where nothing is counted."""


def entity_metric(name: str, counts: NDArray[Any]) -> float:
    """A metric of the counts of some rows, (rows, counts).

    Example:
        >>> import numpy as np
        >>> entity_metric("f1", np.array([[1, 2, 1, 1, 1, 3, 4], [0, 0, 0, 0, 1, 5, 6]]))
        0.5
    """
    sums = counts.sum(axis=0).tolist()
    return ENTITY_METRICS[name](dict(zip(COUNTS, sums, strict=True)))
