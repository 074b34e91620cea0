"""Rows as features, and batches of them."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset
from transformers import DataCollatorWithPadding, PreTrainedTokenizerBase

from tinybert.base.files import hash_value
from tinybert.modeling.load import forget_last_call, tokenize
from tinybert.runtime.windows import check_first_texts
from tinybert.tasks.outputs import Inputs
from tinybert.tasks.stored_rows import StoredRows
from tinybert.tasks.task import Examples, Task
from tinybert.training.token_store import stored_tokens

_ROWS_AT_A_TIME = 4096

ANSWERED = "answered"
"""The name under which a batch says at which tokens the head answers: (batch, length), 1 there."""

NO_LABEL = -100
"""The label of a token at which the head answers nothing: PyTorch's losses leave it out."""


_Features = dict[str, list[list[int]]]


class EncodedExamples(Dataset[dict[str, Any]]):
    """Tokenized inputs of rows, truncated and not yet padded; "row" is the place of each.

    Where the task's head answers each row once, there is an input a row. Where it answers at
    tokens, long rows are several windows, labels are those of the tokens, and `ANSWERED` says
    which tokens count.

    Args:
        examples: The rows.
        tokenizer: A fast one.
        max_length: Tokens of an input at most.
        task: Makes inputs of the rows; None for an input a row.
        progress: Called with the rows tokenized and their total.

    Attributes:
        lengths: Tokens of each input.
        answers: (inputs,), the number of tokens at which the head answers each; None where it
            answers once.
        row_of: (inputs,), the row that each is of.
        targets: What the head should answer: (rows, ...), or (tokens,) of those that have a label;
            None where there are no labels.
    """

    def __init__(
        self,
        examples: Examples,
        tokenizer: PreTrainedTokenizerBase,
        max_length: int,
        task: Task | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.answers: NDArray[np.int64] | None = None
        of_tokens = task is not None and task.reads == "all"
        self._key: str | None = None
        self.lengths: Sequence[int] | NDArray[np.int32]
        self._features: dict[str, NDArray[Any]]
        parts = partial(_parts, examples, tokenizer, max_length, task, progress)
        if isinstance(examples.rows, StoredRows) and not of_tokens:
            forget_last_call(tokenizer)
            content = [examples.rows.hash(), tokenizer.backend_tokenizer.to_str(), max_length]
            self._key = hash_value(content)
            self._features, self.lengths = stored_tokens(
                self._key,
                lambda: (features for features, _ in parts()),
                max(tokenizer.get_vocab().values()),
            )
            self.row_of = np.arange(len(examples))
        else:
            self._features, self.lengths, self.row_of = _in_memory(parts())
        self._ends = np.cumsum(self.lengths, dtype=np.int64)
        self._labels = None if of_tokens else examples.labels
        if of_tokens:
            answered = np.concatenate([[0], np.cumsum(self._features[ANSWERED])])[self._ends]
            self.answers = np.diff(answered, prepend=0)

    @property
    def targets(self) -> NDArray[Any] | None:
        """See the class."""
        if self._labels is not None:
            return self._labels
        found = self._features.get("labels")
        return None if found is None else found[found != NO_LABEL]

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> dict[str, Any]:
        index = range(len(self))[index]  # as of a list: also from the end, and not beyond
        end = self._ends[index]
        own = slice(end - self.lengths[index], end)
        row: dict[str, Any] = {
            name: values[own].tolist() for name, values in self._features.items()
        }
        row["row"] = index
        if self._labels is not None:
            row["labels"] = self._labels[index].tolist()
        return row

    def hash(self) -> str:
        """SHA-256 of the token ids of every row, or of all that they depend on; not of labels."""
        if self._key is not None:
            return self._key
        digests = [
            [name, hashlib.sha256(values.tobytes()).hexdigest()]
            for name, values in self._features.items()
            if name != "labels"
        ]
        return hash_value([[*self.lengths], digests])


def _parts(
    examples: Examples,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    task: Task | None,
    progress: Callable[[int, int], None] | None,
) -> Iterator[tuple[_Features, NDArray[np.int64]]]:
    """The features of all inputs, and the row of each, few rows at a time.

    The tokenizer takes a thread a core for the rows of one call.
    """
    of_tokens = task is not None and task.reads == "all"
    read = _tokens if of_tokens else _rows
    for start in range(0, len(examples), _ROWS_AT_A_TIME):
        some = examples.take(range(start, min(start + _ROWS_AT_A_TIME, len(examples))))
        if task is not None and of_tokens and task.joins_pairs:
            check_first_texts(
                *(tokenizer.backend_tokenizer, some, max_length, task.overlap(max_length)),
                number=start + 1,
            )
        features, row_of = read(some, tokenizer, max_length, task)
        yield features, start + row_of
        if progress is not None:
            progress(start + len(some), len(examples))


def _in_memory(
    parts: Iterator[tuple[_Features, NDArray[np.int64]]],
) -> tuple[dict[str, NDArray[Any]], list[int], NDArray[np.int64]]:
    """The features of inputs end to end, the tokens of each, and its row."""
    # Arrays, and few rows at a time: lists of numbers take ten times the memory.
    arrays: dict[str, list[NDArray[np.int32]]] = defaultdict(list)
    lengths: list[int] = []
    rows: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    for features, row_of in parts:
        rows.append(row_of)
        lengths += map(len, features["input_ids"])
        for name, values in features.items():
            arrays[name].append(np.fromiter(chain.from_iterable(values), np.int32))
    whole = {name: np.concatenate(each) for name, each in arrays.items()}
    return whole, lengths, np.concatenate(rows)


def _rows(
    examples: Examples, tokenizer: PreTrainedTokenizerBase, max_length: int, _: Task | None
) -> tuple[_Features, NDArray[np.int64]]:
    """The features of rows that are an input each, and the row of each."""
    return dict(tokenize(examples.texts, tokenizer, max_length)), np.arange(len(examples))


def _tokens(
    examples: Examples, tokenizer: PreTrainedTokenizerBase, max_length: int, task: Task | None
) -> tuple[_Features, NDArray[np.int64]]:
    """The features of the windows of rows, and the row of each.

    Windows at which nothing is answered teach nothing, and are left out.
    """
    assert task is not None, "a task says at which tokens its head answers"
    overlap = task.overlap(max_length) or 0
    options: dict[str, Any] = {"stride": overlap}
    if task.joins_pairs:
        options["truncation"] = "only_second"
    encodings = tokenize(examples.texts, tokenizer, max_length, **options).encodings
    assert encodings is not None, "load_tokenizer gives fast ones"
    inputs = task.inputs(examples.rows, encodings)
    assert inputs.places is not None, "as for every task that reads all positions"
    kept = [at for at, (tokens, _) in enumerate(inputs.places) if len(tokens)]
    kinds = {"input_ids": "ids", "token_type_ids": "type_ids", "attention_mask": "attention_mask"}
    ends = np.arange(1, len(examples) + 1) if inputs.ends is None else inputs.ends
    first = np.array([inputs.places[at].positions[0] for at in kept], np.int64)
    row_of = np.searchsorted(ends, first, side="right")
    features = {
        name: [getattr(inputs.encodings[at], kinds[name]) for at in kept]
        for name in tokenizer.model_input_names
    }
    ones = np.ones(int(inputs.ends[-1]) if inputs.ends is not None else 0, np.int64)
    features[ANSWERED] = _at_tokens(inputs, kept, ones, 0)
    if examples.labels is not None:
        targets = task.targets(inputs, examples.labels)
        features["labels"] = _at_tokens(inputs, kept, targets, NO_LABEL)
    return features, row_of


def _at_tokens(
    inputs: Inputs, kept: Sequence[int], values: NDArray[np.int64], otherwise: int
) -> list[list[int]]:
    """The values of positions, (positions,), at the tokens of some inputs that answer them."""
    assert inputs.places is not None
    rows = []
    for at in kept:
        tokens, positions = inputs.places[at]
        row = np.full(len(inputs.encodings[at]), otherwise, np.int64)
        row[tokens] = values[positions]
        rows.append(row.tolist())
    return rows


class PaddingCollator:
    """Pads inputs to one length: their features as the tokenizer says, labels of tokens beside.

    Args:
        tokenizer: Knows what to pad with, and on which side.
        of_tokens: Whether labels are those of tokens; else a row has one, or a vector of them.
    """

    _FILL: ClassVar[dict[str, int]] = {ANSWERED: 0, "labels": NO_LABEL}

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, of_tokens: bool = False) -> None:
        self._pad = DataCollatorWithPadding(tokenizer)
        self._names = [*self._FILL] if of_tokens else []
        self._left = tokenizer.padding_side == "left"

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        """A batch of rows, each feature (batch, length)."""
        names = [name for name in self._names if name in rows[0]]
        if not names:
            return dict(self._pad(rows))
        rest = [{key: row[key] for key in row if key not in names} for row in rows]
        batch = dict(self._pad(rest))
        length = batch["input_ids"].shape[1]
        for name in names:
            padded = torch.full((len(rows), length), self._FILL[name])
            for at, row in enumerate(rows):
                values = torch.tensor(row[name])
                start = length - len(values) if self._left else 0
                padded[at, start : start + len(values)] = values
            batch[name] = padded
        return batch
