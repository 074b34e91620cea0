"""Which pieces stay."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError
from tinybert.runtime.config import first_position
from tinybert.steps.trim_vocabulary.config import TrimConfig
from tinybert.steps.trim_vocabulary.pieces import Pieces


def always_kept(
    pieces: Pieces, model_config: Mapping[str, Any], used: Iterable[int] | None = None
) -> set[int]:
    """The ids that no size removes.

    Args:
        pieces: Of the tokenizer.
        model_config: The model's config.json: where positions are counted from the padding id,
            this must not change, so nothing before it goes.
        used: Ids of the pieces that texts use, where characters that none of them is spelled
            with may go; None: all characters stay.

    Raises:
        InputError: No character of such a tokenizer may go.
    """
    first = first_position(model_config)
    pinned = {number for number in pieces.ids.values() if number < first}
    idle = set() if used is None else pieces.idle_characters(used)
    kept = (pieces.indispensable() - idle) | pinned
    return set().union(*map(pieces.with_parts, kept))


def check_size(config: TrimConfig, always: set[int]) -> None:
    """Refuses a size that what is always kept does not fit in.

    Raises:
        InputError: With the smallest size that can be had.
    """
    if config.size is not None and config.size < len(always):
        raise InputError(
            f"{config.size} pieces are too few to spell every word: special pieces and the "
            f"alphabet are {len(always)}, the smallest size that can be had"
        )


def choose_pieces(
    counts: NDArray[np.int64], pieces: Pieces, always: set[int], config: TrimConfig
) -> list[int]:
    """The ids that stay, ascending.

    Pieces of equal count are taken in the order of the vocabulary. One that needs more parts
    than there is room for is passed over.

    Args:
        counts: (ids,), how often each is used.
        pieces: Of the tokenizer.
        always: What stays in any case.
        config: How many.

    Raises:
        InputError: The size is too small.
    """
    check_size(config, always)
    kept = set(always)
    for number in np.argsort(-counts, kind="stable").tolist():
        if counts[number] < config.min_count or len(kept) == config.size:
            break
        added = pieces.with_parts(number) - kept
        if config.size is None or len(kept) + len(added) <= config.size:
            kept |= added
    return sorted(kept)
