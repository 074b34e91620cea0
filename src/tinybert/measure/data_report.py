"""What is to be said of the rows before anything learns from them, or is measured on them."""

import random
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinybert.data.hold_out import text_key
from tinybert.measure.scripts import script_of
from tinybert.modeling.load import tokenize
from tinybert.tasks.task import Examples, Task, Text, text_parts

if TYPE_CHECKING:
    from tokenizers import Encoding
    from transformers import PreTrainedTokenizerBase

MOST_ROWS, MOST_CHARACTERS = 5_000, 5_000_000
"""What is tokenized for lengths and unknowns: a second or two, and shares within a point."""

MOST_COMPARED = 2_000_000
"""Rows that are compared with one another; more come from files that are larger than memory."""

_QUANTILES = {"median": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
_WITHOUT_LIMIT = 10_000_000
_AT_A_TIME = 512


def data_report(
    task: Task,
    train: Examples | None,
    evaluation: Examples,
    tokenizer: "PreTrainedTokenizerBase",
    max_length: int,
) -> dict[str, Any]:
    """What rows are like: how many, with which labels, how long, how often the same.

    Rows are compared with one another, of more than `MOST_COMPARED` as many; of more than
    `MOST_ROWS` as many are tokenized. They are drawn by chance, always the same ones. Two texts are
    the same where they differ in blanks and capitals alone, as for `hold_out`.

    Args:
        task: Which the rows are of, fitted.
        train: The training rows; None where no step reads them.
        evaluation: Those that files are measured on.
        tokenizer: A fast one.
        max_length: Tokens that a row is cut to.

    Returns:
        "max_length"; "windows", whether longer rows are read in parts and not cut; and "train" and
        "eval", of which "train" may be None. Each has "rows", "labels" (how often each is there,
        empty where there are none), "compared" (how many were), "duplicates" (rows
        whose text another row before it has),
        "tokenized" (how many rows the following is of), "tokens" (its quantiles, special ones
        included), "longer" (the share beyond `max_length`), "unknown" (the share of pieces that are
        unknown to the tokenizer), "unknown_scripts" (of each script that has any, the share of its
        pieces). "train" has "contradictions" too, rows whose text has another label elsewhere, and
        "eval" "in_train", rows whose text is learned from.

    Example:
        >>> data_report(task, rows, dev, tokenizer, 128)["eval"]["in_train"]  # doctest: +SKIP
        0
    """
    learned = None if train is None else _keys(task, train)
    found: dict[str, Any] = {
        "max_length": max_length,
        "windows": task.overlap(max_length) is not None,
        "train": None,
    }
    if train is not None and learned is not None:
        found["train"] = {
            **_of_rows(task, train, learned.rows, tokenizer, max_length),
            "contradictions": _contradictions(train, learned),
        }
    keys = _keys(task, evaluation)
    found["eval"] = {
        **_of_rows(task, evaluation, keys.rows, tokenizer, max_length),
        "in_train": 0 if learned is None else _within(keys, learned),
    }
    return found


@dataclass(frozen=True)
class _Keys:
    """Hashes of what rows of some places say, (rows,), and of each of their inputs.

    `row_of` says of which of these rows an input is.
    """

    places: NDArray[np.int64]
    rows: NDArray[np.int64]
    inputs: NDArray[np.int64]
    row_of: NDArray[np.int64]


def _keys(task: Task, examples: Examples) -> _Keys:
    # Hashes: the texts of all rows a second time would be much.
    rows, inputs, row_of = array("q"), array("q"), array("q")
    places = np.arange(len(examples))
    if len(places) > MOST_COMPARED:
        places = np.sort(np.random.default_rng(0).choice(places, MOST_COMPARED, replace=False))
    for number, place in enumerate(places.tolist()):
        row = examples.rows[place]
        own = [hash(text_key(text_parts(text))) for text in task.texts(row)]
        rows.append(hash(tuple(own)))
        inputs.extend(own)
        row_of.extend([number] * len(own))
    return _Keys(places, *(np.array(each, np.int64) for each in (rows, inputs, row_of)))


def _within(keys: _Keys, learned: _Keys) -> int:
    """How many rows there are all of whose inputs are learned from."""
    new = ~np.isin(keys.inputs, learned.inputs)
    return len(keys.rows) - len(np.unique(keys.row_of[new]))


def _of_rows(
    task: Task,
    examples: Examples,
    keys: NDArray[np.int64],
    tokenizer: "PreTrainedTokenizerBase",
    max_length: int,
) -> dict[str, Any]:
    counted = _count_pieces(task, examples, tokenizer, max_length)
    pieces, unknown = counted.pieces.total(), counted.unknown.total()
    lengths = np.array(counted.lengths or [0])
    return {
        "rows": len(examples),
        "labels": {} if examples.labels is None else task.label_counts(examples.labels),
        "compared": len(keys),
        "duplicates": len(keys) - len(np.unique(keys)),
        "tokenized": counted.rows,
        "tokens": {
            name: int(np.quantile(lengths, at, method="higher")) for name, at in _QUANTILES.items()
        },
        "longer": round(float(np.mean(lengths > max_length)), 4),
        "unknown": round(unknown / max(pieces, 1), 6),
        "unknown_scripts": {
            script: round(count / counted.pieces[script], 4)
            for script, count in counted.unknown.most_common()
        },
    }


def _contradictions(examples: Examples, keys: _Keys) -> int:
    """Rows whose text has another label elsewhere."""
    if examples.labels is None or examples.labels.dtype == object:
        return 0  # of spans a text may well have several
    labels = [hash(label.tobytes()) for label in examples.labels[keys.places]]
    both = np.unique(np.stack([keys.rows, np.array(labels, np.int64)], axis=1), axis=0)
    texts, count = np.unique(both[:, 0], return_counts=True)
    return int(np.isin(keys.rows, texts[count > 1]).sum())


@dataclass
class _Pieces:
    """What tokenized rows come to: tokens of each input, pieces and unknown ones by script."""

    rows: int = 0
    lengths: list[int] = field(default_factory=list)
    pieces: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)


def _count_pieces(
    task: Task, examples: Examples, tokenizer: "PreTrainedTokenizerBase", max_length: int
) -> _Pieces:
    found = _Pieces()
    for texts in _some_texts(task, examples, found):
        # Nothing is cut, to see how long they are; the tokenizer need not warn of that.
        encoded = tokenize(texts, tokenizer, _WITHOUT_LIMIT, truncation=False, verbose=False)
        assert encoded.encodings is not None, "load_tokenizer gives fast ones"
        for text, encoding in zip(texts, encoded.encodings, strict=True):
            found.lengths.append(len(encoding))
            _add(found, text_parts(text), encoding, tokenizer.unk_token_id)
    return found


def _some_texts(task: Task, examples: Examples, found: _Pieces) -> Iterator[list[Text]]:
    """What is tokenized, some at a time; counts the rows in `found`."""
    places: Sequence[int] = range(len(examples))
    if len(places) > MOST_ROWS:
        places = random.Random(0).sample(places, MOST_ROWS)
    characters, texts = 0, []
    for place in places:
        own = task.texts(examples.rows[place])
        characters += sum(len(part) for text in own for part in text_parts(text))
        texts += own
        found.rows += 1
        if len(texts) >= _AT_A_TIME:
            yield texts
            texts = []
        if characters > MOST_CHARACTERS:
            break
    if texts:
        yield texts


def _add(found: _Pieces, parts: tuple[str, ...], encoding: "Encoding", unknown: int | None) -> None:
    """Counts the pieces of a text that the tokenizer read, special ones left out."""
    whole = zip(encoding.ids, encoding.offsets, encoding.sequence_ids, strict=True)
    for piece, (start, end), part in whole:
        if part is None or start == end:
            continue
        script = script_of(parts[part][start:end])
        found.pieces[script] += 1
        if piece == unknown:
            found.unknown[script] += 1
