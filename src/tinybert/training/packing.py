"""A corpus as blocks of tokens of one length, packed once into a file and read at random.

Blocks are RoBERTa's FULL-SENTENCES (https://arxiv.org/abs/1907.11692, section 4.2): filled to the
last token, across the ends of passages, so that nothing is padded.
"""

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler
from transformers import PreTrainedTokenizerBase

from tinybert.base.errors import InputError, said
from tinybert.base.files import atomic_path

CHARACTERS_PER_BATCH = 1_000_000
"""Tokenized at a time: some thousand passages, and some tens of megabytes while it lasts."""


def pack(
    passages: Iterable[str],
    tokenizer: PreTrainedTokenizerBase,
    length: int,
    path: Path,
    *,
    max_tokens: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Writes passages as a .npy of (blocks, length) token ids, uint16 where these fit, or uint32.

    A block is [CLS], `length` - 2 tokens of the passages joined by [SEP], and [SEP]. What is left
    at the end and fills no block is dropped. Passages are read as they are needed.

    Args:
        passages: The texts, such as `read_corpus` gives them.
        tokenizer: A fast one, with [CLS] and [SEP] or what it calls the begin and the end.
        length: Tokens a block.
        path: The file, written whole or not at all.
        max_tokens: Tokens in the file at most, [CLS] and [SEP] included; None: all there are.
        progress: Called now and then with the number of tokens written so far.

    Raises:
        InputError: The passages, or `max_tokens`, don't make one block.

    Example:
        >>> import tempfile
        >>> from transformers import BertTokenizer
        >>> words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "film"]
        >>> tokenizer = BertTokenizer({word: number for number, word in enumerate(words)})
        >>> path = Path(tempfile.mkdtemp()) / "tokens.npy"
        >>> pack(["a film", "film film film film"], tokenizer, 5, path)
        >>> np.load(path).tolist()
        [[2, 5, 6, 3, 3], [2, 6, 6, 6, 3]]
    """
    begin, end = _special(tokenizer, "cls", "bos"), _special(tokenizer, "sep", "eos")
    if length < 3:
        raise InputError(f"length: a block of {length} tokens has no room for text; take 3 or more")
    most = None if max_tokens is None else max_tokens // length
    if most == 0:
        raise InputError(f"max_tokens: {max_tokens} is less than one block of {length} tokens")
    dtype = np.uint16 if max(tokenizer.get_vocab().values()) < 2**16 else np.uint32
    done = 0
    rest = np.empty(0, dtype)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        _write_header(file, (0, length), dtype)
        for ids in _tokens(passages, tokenizer, end):
            rest = np.concatenate([rest, ids.astype(dtype)])
            whole = len(rest) // (length - 2)
            text = rest[: whole * (length - 2)].reshape(whole, length - 2)
            rest = rest[text.size :]
            blocks = np.pad(text, ((0, 0), (1, 1)), constant_values=((0, 0), (begin, end)))
            blocks = blocks[: None if most is None else most - done]
            file.write(blocks.tobytes())
            done += len(blocks)
            if progress is not None:
                progress(done * length)
            if done == most:
                break
        if not done:
            raise InputError(f"the corpus has fewer tokens than one block of {length}")
        file.seek(0)
        _write_header(file, (done, length), dtype)


class PackedTokens(Dataset[dict[str, Tensor]]):
    """The blocks of a file that `pack` wrote, masked anew in each epoch where `masking` is set.

    An index is block + epoch * blocks, as `EpochSampler` gives it, and there is one for every
    epoch to come. Masks depend on seed and index alone, so a resumed run sees the same ones.
    Of the tokens chosen 80% become the mask, 10% a random token and 10% stay, as in BERT
    (https://arxiv.org/abs/1810.04805, appendix A.1).

    Args:
        path: The file; it is mapped, not read.
        mask_id: Of the mask token.
        masking: The share of ordinary tokens to choose; BERT's is 0.15.
        vocabulary: Entries to draw random tokens from.
        special_ids: Tokens never chosen and never drawn.
        seed: Of the masks, 0 or more.

    Raises:
        InputError: The file is not whole, or there is masking and no mask token.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "tokens.npy"
        >>> np.save(path, np.array([[2, 7, 8, 3], [2, 9, 7, 3]], np.uint16))
        >>> blocks = PackedTokens(path, vocabulary=10, special_ids=[0, 2, 3])
        >>> len(blocks), blocks[1]["input_ids"].tolist(), blocks[1]["attention_mask"].tolist()
        (2, [2, 9, 7, 3], [1, 1, 1, 1])
    """

    def __init__(
        self,
        path: Path,
        *,
        mask_id: int | None = None,
        masking: float = 0.0,
        vocabulary: int,
        special_ids: Collection[int],
        seed: int = 0,
    ) -> None:
        if masking and mask_id is None:
            raise InputError("masking: the tokenizer has no mask token; set masking to 0")
        self._blocks = _open(path)
        self._mask_id = mask_id
        self._masking = masking
        self._special = np.array(sorted(special_ids))
        self._ordinary = np.setdiff1d(np.arange(vocabulary), self._special)
        self._seed = seed

    def __len__(self) -> int:
        return len(self._blocks)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        ids = self._blocks[index % len(self)].astype(np.int64)
        if self._masking:
            self._mask(ids, np.random.default_rng((self._seed, index)))
        input_ids = torch.from_numpy(ids)
        return {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids)}

    def _mask(self, ids: NDArray[np.int64], random: np.random.Generator) -> None:
        assert self._mask_id is not None
        chosen = random.random(len(ids)) < self._masking
        chosen &= ~np.isin(ids, self._special)
        fate = random.random(len(ids))
        drawn = self._ordinary[random.integers(len(self._ordinary), size=len(ids))]
        ids[chosen & (fate < 0.8)] = self._mask_id
        replaced = chosen & (fate >= 0.9)
        ids[replaced] = drawn[replaced]


class EpochSampler(Sampler[int]):
    """The rows of an epoch in an order that depends on the seed and the epoch alone.

    It yields row + epoch * rows, so that a data set can tell the epochs apart.

    Args:
        rows: How many there are.
        seed: Of the shuffle, 0 or more.
        epoch: Returns the epoch that an iteration beginning now belongs to.

    Example:
        >>> sorted(EpochSampler(3, seed=0, epoch=lambda: 2))
        [6, 7, 8]
    """

    def __init__(self, rows: int, *, seed: int, epoch: Callable[[], int]) -> None:
        self._rows = rows
        self._seed = seed
        self._epoch = epoch

    def __len__(self) -> int:
        return self._rows

    def __iter__(self) -> Iterator[int]:
        epoch = self._epoch()
        order = np.random.default_rng((self._seed, epoch)).permutation(self._rows)
        for row in order:  # a list of Python numbers would be five times as large
            yield int(row) + epoch * self._rows


def _special(tokenizer: PreTrainedTokenizerBase, name: str, otherwise: str) -> int:
    for each in (name, otherwise):
        if (token := getattr(tokenizer, f"{each}_token_id")) is not None:
            return token
    raise InputError(f"the tokenizer has no {name} token and no {otherwise} token")


def _tokens(
    passages: Iterable[str], tokenizer: PreTrainedTokenizerBase, separator: int
) -> Iterator[NDArray[np.int64]]:
    """The tokens of all passages with a separator between any two, a batch at a time."""
    joints = itertools.chain([[]], itertools.repeat([separator]))
    for rows in tokenized(passages, tokenizer):
        joined = itertools.chain.from_iterable(next(joints) + row for row in rows if row)
        yield np.fromiter(joined, np.int64)


def tokenized(
    passages: Iterable[str], tokenizer: PreTrainedTokenizerBase
) -> Iterator[list[list[int]]]:
    """The token ids of each passage, no special ones around them, some thousand passages at a time.

    Passages are read as they are needed, and not cut.
    """
    for batch in _batches(passages):
        yield tokenizer(
            batch,
            add_special_tokens=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,  # or it warns of passages longer than the model takes
        )["input_ids"]


def _batches(passages: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    characters = 0
    for passage in passages:
        batch.append(passage)
        characters += len(passage)
        if characters >= CHARACTERS_PER_BATCH:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _write_header(file: BinaryIO, shape: tuple[int, int], dtype: Any) -> None:
    # NumPy pads it so that it keeps its size while the first axis grows.
    header = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _open(path: Path) -> NDArray[Any]:
    try:
        blocks = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: not a whole file of packed tokens: {said(error)}") from None
    if blocks.ndim != 2 or blocks.dtype not in (np.uint16, np.uint32) or not blocks.size:
        raise InputError(f"{path}: not packed tokens: {blocks.dtype} of shape {blocks.shape}")
    return blocks
