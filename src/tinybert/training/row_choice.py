"""Which rows an epoch has: those that are learned from, and how often each."""

import random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from tinybert.base.errors import placed
from tinybert.data.hold_out import text_key
from tinybert.tasks.task import Examples, text_parts
from tinybert.training.batches import EncodedExamples
from tinybert.training.rows_check import check_held_out, check_taken
from tinybert.training.rows_config import RowsConfig


class ChosenRows(Dataset[dict[str, Any]]):
    """Some inputs of a data set; each says as its "row" which of all it is.

    Args:
        inputs: All of them.
        places: Which.
        classes: (places,), the class of each where an epoch has as many of each; else None.
    """

    def __init__(
        self,
        inputs: EncodedExamples,
        places: NDArray[np.int64],
        classes: NDArray[np.int64] | None = None,
    ) -> None:
        self._inputs = inputs
        self._places = places
        self.lengths = np.asarray(inputs.lengths, np.int32)[places]
        self.answers = None if inputs.answers is None else inputs.answers[places]
        self.classes = classes

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self._inputs[int(self._places[index])]


def choose_rows(
    config: RowsConfig, inputs: EncodedExamples, rows: Examples, seed: int
) -> tuple[EncodedExamples | ChosenRows, ChosenRows | None]:
    """What is learned from, and what is held out to see when that is enough.

    Rows of the same text are held out together. Which ones depends on rows and seed alone.

    Args:
        config: Says whether rows are held out, and whether classes are balanced.
        inputs: What the rows became.
        rows: With labels where classes are balanced.
        seed: Of the run.

    Raises:
        InputError: Too few rows would be held out.
    """
    if config.early_stopping is None and config.sampling is None:
        return inputs, None
    held = np.zeros(len(rows), bool)
    if config.early_stopping is not None:
        with placed("early_stopping"):
            check_held_out(config.early_stopping.hold_out, len(rows))
            held = _held_out(rows, config.early_stopping.hold_out, seed)
            check_taken(int(held.sum()), len(rows))
    own = held[inputs.row_of]
    places = np.flatnonzero(~own)
    classes = None
    if config.sampling is not None:
        assert rows.labels is not None, "the recipe refuses rows without labels"
        classes = rows.labels[inputs.row_of[places]]
    chosen = ChosenRows(inputs, places, classes)
    return chosen, None if not own.any() else ChosenRows(inputs, np.flatnonzero(own))


def _held_out(rows: Examples, share: float, seed: int) -> NDArray[np.bool_]:
    """(rows,), which are held out."""
    numbers: dict[str, int] = {}
    groups = [numbers.setdefault(text_key(text_parts(text)), len(numbers)) for text in rows.texts]
    order = list(range(len(numbers)))
    random.Random(seed).shuffle(order)
    sizes = np.bincount(groups, minlength=len(numbers))
    left = round(share * len(rows))
    taken = np.zeros(len(numbers), bool)
    for group in order:
        if sizes[group] <= left:  # one text that is most of the rows is learned from
            taken[group] = True
            left -= sizes[group]
    return taken[groups]
