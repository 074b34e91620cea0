"""Questions with their contexts as the inputs of a model, and answers as those of tokens."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinybert.tasks.answer_rows import Answers
from tinybert.tasks.answer_spans import NO_PLACE, SPANS
from tinybert.tasks.outputs import Inputs, Places
from tinybert.tasks.rows import Row

if TYPE_CHECKING:
    from tokenizers import Encoding

START, END = 1, 2
"""What the head should say of a token: that the answer begins there, that it ends there; both are
`START + END`, as of an answer of one token."""


def question_inputs(rows: Sequence[Row], encodings: "Sequence[Encoding]") -> Inputs:
    """The windows of every row, and which tokens of each answer.

    Args:
        rows: {"text", "pair"}: a question and its context.
        encodings: The tokens of each, with what did not fit of the context in `overflowing`.

    Returns:
        Inputs whose positions are, window by window, the first token and those of the context;
        beside the model's arrays they have `SPANS`.
    """
    windows: list[Encoding] = []
    places: list[Places] = []
    spans: list[tuple[int, int]] = []
    ends: list[int] = []
    for row, encoding in zip(rows, encodings, strict=True):
        for window in (encoding, *encoding.overflowing):
            tokens, bounds = _context_tokens(row["pair"], window)
            positions = np.arange(len(spans), len(spans) + len(tokens))
            places.append(Places(np.array(tokens, np.int64), positions))
            windows.append(window)
            spans += bounds
        ends.append(len(spans))
    return Inputs(
        windows,
        places,
        np.array(ends, np.int64),
        unread={"logits": np.zeros(2, np.float32)},
        beside={SPANS: np.array(spans, np.int64).reshape(-1, 2)},
    )


def _context_tokens(context: str, window: "Encoding") -> tuple[list[int], list[tuple[int, int]]]:
    """The first token, then those that stand for something in the context, without blanks."""
    tokens, bounds = [0], [NO_PLACE]
    pieces = zip(window.sequence_ids, window.offsets, strict=True)
    for token, (sequence, (start, end)) in enumerate(pieces):
        if sequence != 1:
            continue
        while start < end and context[start].isspace():
            start += 1
        if start < end:
            tokens.append(token)
            bounds.append((start, end))
    return tokens, bounds


def answer_targets(inputs: Inputs, labels: NDArray[np.object_]) -> tuple[NDArray[np.int64], int]:
    """What the head should say at each position, (positions,), `START`, `END`, both or 0.

    A window says no answer, at its first token, where it does not show the whole first answer of
    its row.

    Args:
        inputs: As `question_inputs` makes them.
        labels: The `Answers` of each row.

    Returns:
        The targets, and how many rows have an answer that no window shows.
    """
    spans = inputs.beside[SPANS]
    assert inputs.ends is not None, "as `question_inputs` makes them"
    targets = np.zeros(len(spans), np.int64)
    window_of = (spans[:, 0] < 0).cumsum()
    begin, hidden = 0, 0
    for end, right in zip(inputs.ends.tolist(), labels, strict=True):
        own = slice(begin, end)
        shown = _mark(targets[own], spans[own], window_of[own], right)
        hidden += bool(right.texts) and not shown
        begin = end
    return targets, hidden


def _mark(
    targets: NDArray[np.int64],
    spans: NDArray[np.int64],
    window_of: NDArray[np.int64],
    right: Answers,
) -> bool:
    """Marks the answer in the windows of a row; whether one of them shows it."""
    shown = False
    there = spans[spans[:, 0] >= 0]
    for first in np.flatnonzero(spans[:, 0] < 0).tolist():
        stop = int(np.searchsorted(window_of, window_of[first], side="right"))
        starts, ends = spans[first + 1 : stop].T
        touched: NDArray[np.int64] = np.zeros(0, np.int64)
        if right.texts and len(starts):
            low = right.starts[0] + len(right.texts[0]) - len(right.texts[0].lstrip())
            high = right.starts[0] + len(right.texts[0].rstrip())
            # Before the first token and behind the last there is nothing but what tokenizers drop.
            begins = starts[0] <= low or starts[0] == there[:, 0].min()
            if begins and (high <= ends[-1] or ends[-1] == there[:, 1].max()):
                touched = np.flatnonzero((ends > low) & (starts < high))
        if len(touched):
            targets[first + 1 + touched[0]] += START
            targets[first + 1 + touched[-1]] += END
            shown = True
        else:
            targets[first] = START + END
    return shown
