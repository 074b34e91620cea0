"""What a model is run on for some rows, and what it gives for them.

A row may be answered once or at many positions, and a long row may need several inputs. Arrays of
all rows lie end to end: rows of any length are then compared as quickly as those of one shape.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tokenizers import Encoding

Arrays = Mapping[str, NDArray[Any]]
"""What a model gives, by the names of its outputs."""


SPAN_LOGITS = ("start_logits", "end_logits")
"""What stock graphs of question answering call their two outputs, (batch, length) each."""


def logits_of(arrays: Arrays, parts: Sequence[str] = ()) -> NDArray[Any]:
    """What a model gives as one array: its logits, those of starts and ends, or its first output.

    Args:
        arrays: By the names of its outputs, of which one alone may have any.
        parts: The outputs whose arrays are put side by side, where a file has not one for all.

    Example:
        >>> logits_of({"start_logits": np.zeros((1, 3)), "end_logits": np.ones((1, 3))}).shape
        (1, 3, 2)
    """
    if "logits" in arrays:
        return arrays["logits"]
    if all(name in arrays for name in SPAN_LOGITS):
        return np.stack([arrays[name] for name in SPAN_LOGITS], axis=-1)
    if parts:
        return np.concatenate([arrays[name] for name in parts], axis=-1)
    return next(iter(arrays.values()))


@dataclass(frozen=True)
class Outputs:
    """What a model gives for some rows: named arrays, without padding.

    Attributes:
        arrays: (positions, ...) each, those of all rows end to end; "logits" are
            (positions, labels).
        ends: (rows,), where the positions of each row end; None where each row has one.

    Example:
        >>> outputs = Outputs({"logits": np.eye(3)}, ends=np.array([2, 3]))
        >>> len(outputs), outputs[1]["logits"].tolist()
        (2, [[0.0, 0.0, 1.0]])
    """

    arrays: Arrays
    ends: NDArray[np.int64] | None = None

    @property
    def logits(self) -> NDArray[np.float32]:
        """The array of this name, (positions, labels)."""
        return self.arrays["logits"]

    def __len__(self) -> int:
        return len(self.logits if self.ends is None else self.ends)

    def __getitem__(self, row: int) -> dict[str, NDArray[Any]]:
        row = range(len(self))[row]  # as of a list: also from the end, and not beyond
        start, end = self.bounds[row]
        return {name: values[start:end] for name, values in self.arrays.items()}

    @property
    def bounds(self) -> NDArray[np.int64]:
        """Where the positions of each row begin and end, (rows, 2)."""
        ends = np.arange(1, 1 + len(self.logits)) if self.ends is None else self.ends
        return np.stack([np.concatenate([[0], ends[:-1]]), ends], axis=1)

    def row_sums(self, values: NDArray[Any]) -> NDArray[Any]:
        """The sum over each row's positions, (rows,).

        Args:
            values: (positions,).

        Example:
            >>> Outputs({"logits": np.eye(3)}, ends=np.array([2, 3])).row_sums(np.array([1, 1, 5]))
            array([2, 5])
        """
        sums = np.concatenate([[0], np.cumsum(values)])
        return sums[self.bounds[:, 1]] - sums[self.bounds[:, 0]]


class Places(NamedTuple):
    """Which positions of one input answer which positions of the rows.

    Attributes:
        tokens: (places,), positions in the input.
        positions: (places,), positions in `Outputs.arrays`.
    """

    tokens: NDArray[np.int64]
    positions: NDArray[np.int64]


@dataclass(frozen=True)
class Inputs:
    """What a model is run on for some rows.

    Attributes:
        encodings: One of each input, without padding.
        places: Of each input, what it answers; None where each answers one position as a whole.
        ends: As of `Outputs`.
        unread: What stands at positions that no input answers, by name, (...) each.
        beside: Arrays that the outputs have beside the model's own, (positions, ...) each.
    """

    encodings: "Sequence[Encoding]"
    places: Sequence[Places] | None = None
    ends: NDArray[np.int64] | None = None
    unread: Arrays = field(default_factory=dict)
    beside: Arrays = field(default_factory=dict)

    def gather(self, batches: Iterable[tuple[Sequence[int], Arrays]]) -> Outputs:
        """Puts the model's outputs where they belong.

        Args:
            batches: The inputs of each batch by number, and what the model gave for them,
                (batch, ...) each, or (batch, length, ...) where inputs have places.
        """
        parts = list(batches)
        if self.places is None and not parts:
            return Outputs({"logits": np.zeros((0, 0), np.float32)})
        if self.places is None:
            order = np.concatenate([numbers for numbers, _ in parts]).argsort()
            return Outputs(
                {
                    name: np.concatenate([part[name] for _, part in parts])[order]
                    for name in parts[0][1]
                },
                self.ends,
            )
        assert self.ends is not None, "inputs with places say where rows end"
        count = int(self.ends[-1]) if len(self.ends) else 0
        found = {name: np.tile(value, (count, 1)) for name, value in self.unread.items()}
        for numbers, part in parts:
            for at, number in enumerate(numbers):
                tokens, positions = self.places[number]
                for name, values in found.items():
                    values[positions] = part[name][at, tokens]
        return Outputs({**found, **self.beside}, self.ends)
