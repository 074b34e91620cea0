"""From the logits of tokens to the answer of a row: the best span of all windows.

Positions of a row are those of its windows, one after the other. Each window begins with its first
token, which stands for no answer and has the bounds `NO_PLACE`; then come the tokens of the
context that it shows.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinybert.tasks.outputs import Outputs

NO_PLACE = (-1, -1)
"""The bounds of the token that stands for no answer."""

SPANS = "spans"
"""The array of `Outputs` with where the tokens stand in the context, (positions, 2)."""


class Found(NamedTuple):
    """The best span of each row.

    Attributes:
        bounds: (rows, 2), in characters of the context; (0, 0) where there is no span at all.
        score: (rows,), the sum of the logits of its start and its end; -inf where there is none.
        none: (rows,), that of no answer: the least of all windows, as one may show the answer
            and the others not.
        total: (rows,), the logarithm of the sum of exp(score) over all spans.
    """

    bounds: NDArray[np.int64]
    score: NDArray[np.float64]
    none: NDArray[np.float64]
    total: NDArray[np.float64]


def best_spans(outputs: Outputs, longest: int) -> Found:
    """The best span of each row: all are looked at, in all windows, not the n best ends alone.

    Args:
        outputs: "logits", (positions, 2), of starts and ends, and `SPANS`.
        longest: The most tokens of a span.

    Example:
        >>> logits = np.array([[0.0, 0.0], [4.0, 0.0], [1.0, 3.0]])
        >>> spans = np.array([NO_PLACE, (0, 2), (3, 7)])
        >>> found = best_spans(Outputs({"logits": logits, "spans": spans}, np.array([3])), 30)
        >>> found.bounds.tolist(), found.score.tolist(), found.none.tolist()
        ([[0, 7]], [7.0], [0.0])
    """
    logits, spans = outputs.logits.astype(np.float64), outputs.arrays[SPANS]
    rows, count = len(outputs), len(logits)
    first = spans[:, 0] < 0
    window = first.cumsum()
    best = np.full(count, -np.inf)
    total = np.full(count, -np.inf)
    last = np.arange(count)
    for more in range(min(longest, count)):
        starts, ends = slice(0, count - more), slice(more, count)
        allowed = (window[starts] == window[ends]) & ~first[starts]
        if not allowed.any():
            break
        scores = np.where(allowed, logits[starts, 0] + logits[ends, 1], -np.inf)
        better = scores > best[starts]
        best[starts][better] = scores[better]
        last[starts][better] = np.arange(more, count)[better]
        np.logaddexp(total[starts], scores, out=total[starts])
    begins, stops = outputs.bounds.T
    none = np.where(first, logits.sum(axis=1), np.inf)
    found = Found(
        np.zeros((rows, 2), np.int64), *(np.full(rows, each) for each in (-np.inf, np.inf, -np.inf))
    )
    for row in np.flatnonzero(stops > begins):
        own = slice(begins[row], stops[row])
        at = begins[row] + int(best[own].argmax())
        found.none[row] = none[own].min()
        if np.isfinite(best[at]):
            found.bounds[row] = spans[at, 0], spans[last[at], 1]
            found.score[row] = best[at]
            highest = total[own].max()
            found.total[row] = highest + np.log(np.exp(total[own] - highest).sum())
    return found


def log_probabilities(outputs: Outputs) -> NDArray[np.float32]:
    """Logits less the logarithm of their sum over each window, (positions, 2).

    They don't change where a model adds the same to all logits of a window, and so nothing that is
    chosen by them.

    Example:
        >>> spans = np.array([NO_PLACE, (0, 2)])
        >>> outputs = Outputs({"logits": np.zeros((2, 2)), "spans": spans}, np.array([2]))
        >>> np.exp(log_probabilities(outputs)).round(2).tolist()
        [[0.5, 0.5], [0.5, 0.5]]
    """
    logits = outputs.logits.astype(np.float64)
    if not len(logits):
        return outputs.logits
    first = outputs.arrays[SPANS][:, 0] < 0
    window, begins = first.cumsum() - 1, np.flatnonzero(first)
    logits = logits - np.maximum.reduceat(logits, begins)[window]
    sums = np.log(np.add.reduceat(np.exp(logits), begins))
    return (logits - sums[window]).astype(np.float32)
