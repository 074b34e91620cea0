"""Which positions of a text predict its next tokens, and what is kept of the logits there.

Logits of a whole evaluation split are gigabytes: a number for each position and each entry of the
vocabulary. Of each batch three numbers a position are kept.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinybert.tasks.outputs import Arrays, Inputs, Places

if TYPE_CHECKING:
    from tokenizers import Encoding

BEST = "best"
"""The array of `Outputs` with the likeliest token, (positions, 1)."""

NEXT = "next"
"""The array of `Outputs` with the token that comes next, (positions, 1)."""


def next_token_inputs(encodings: "Sequence[Encoding]", context: int) -> Inputs:
    """The windows of texts; each token but the first of its text is predicted in one of them.

    Args:
        encodings: Of each text; what did not fit is in its `overflowing`.
        context: Tokens that neighbouring windows share, special ones not counted.
    """
    windows: list[Encoding] = []
    places: list[Places] = []
    following: list[NDArray[np.int64]] = []
    ends = []
    at = 0
    for encoding in encodings:
        for number, window in enumerate(_in_order(encoding)):
            ids = np.array(window.ids, np.int64)
            special = np.array(window.special_tokens_mask, bool)
            # What it begins with, such as <s>, is read; what it ends with is no part of the text.
            first = _lead(special) + context - 1 if number else 0
            tokens = np.arange(first, max(len(ids) - 1, first))
            tokens = tokens[~special[tokens + 1]]
            windows.append(window)
            places.append(Places(tokens, np.arange(at, at + len(tokens))))
            following.append(ids[tokens + 1])
            at += len(tokens)
        ends.append(at)
    given = np.concatenate([np.zeros(0, np.int64), *following])[:, None]
    unread: dict[str, NDArray[Any]] = {
        "logits": np.zeros(2, np.float32),
        BEST: np.zeros(1, np.int64),
    }
    return Inputs(windows, places, np.array(ends, np.int64), unread, {NEXT: given})


def next_token_scores(logits: NDArray[np.float32], ids: NDArray[np.int64]) -> Arrays:
    """What is kept of a batch.

    Args:
        logits: (batch, length, vocabulary).
        ids: (batch, length), the tokens.

    Returns:
        "logits", (batch, length, 2): the log-probability of the token that comes next, and that of
        the likeliest; `BEST`, (batch, length, 1), which one that is. What is said of the last
        position of a row means nothing.

    Example:
        >>> found = next_token_scores(np.log([[[0.5, 0.25, 0.25]] * 2]), np.array([[0, 2]]))
        >>> np.exp(found["logits"][0, 0]).round(2).tolist(), found[BEST][0, 0].tolist()
        ([0.25, 0.5], [0])
    """
    following = np.concatenate([ids[:, 1:], ids[:, :1]], axis=1)[..., None]
    best = logits.argmax(axis=-1)[..., None]
    most = np.take_along_axis(logits, best, axis=-1)
    total = most + np.log(np.exp(logits - most).sum(axis=-1, keepdims=True))
    right = np.take_along_axis(logits, following, axis=-1)
    return {"logits": np.concatenate([right - total, most - total], axis=-1), BEST: best}


def _in_order(encoding: "Encoding") -> "list[Encoding]":
    """The windows of a text as they stand in it, from whichever end it is cut."""
    windows = [encoding, *encoding.overflowing]
    if len(windows) == 1:
        return windows
    return sorted(windows, key=lambda window: max(map(max, window.offsets), default=0))


def _lead(special: NDArray[np.bool_]) -> int:
    """Special tokens that a window begins with."""
    return int(np.argmin(special)) if not special.all() else len(special)
