"""What a teacher gives for every training row, computed once and read from disk ever after.

A cache is a folder of NumPy files, memory-mapped, and a meta.json that is written last, with the
size and checksum of each. Its name is a hash of all that its content depends on: the teacher's
weights, the token ids of every row, the signals, the precision. So a changed teacher, tokenizer
or row has another name and can't meet a stale entry.
"""

import contextlib
import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from tinybert.base.errors import InputError
from tinybert.base.files import hash_value
from tinybert.base.locks import one_at_a_time
from tinybert.distillation.cache_writer import (
    ELSEWHERE,
    FORMAT,
    CacheWriter,
    Collate,
    file_name,
    is_whole,
)
from tinybert.distillation.signals import LOGITS, Signal, Signals
from tinybert.modeling.distributed import agree, is_main
from tinybert.training.batches import EncodedExamples

logger = logging.getLogger(__name__)


class TeacherCache:
    """An opened cache.

    Args:
        folder: A whole cache, see `open_cache`.
        offsets: (rows + 1,), where the tokens of each row begin in the arrays of vectors.
        answers: (rows + 1,), where the logits of each row begin; None where each row has one.
    """

    def __init__(
        self, folder: Path, offsets: NDArray[np.int64], answers: NDArray[np.int64] | None = None
    ) -> None:
        self._folder = folder
        self._offsets = offsets
        self._answers = answers
        self._arrays: dict[Signal, NDArray[Any]] = {}

    def read(
        self,
        rows: Tensor,
        mask: Tensor,
        wanted: Sequence[Signal],
        answered: Tensor | None = None,
    ) -> Signals:
        """The signals of a batch, zeros in padding.

        Args:
            rows: (batch,), places in the training set.
            mask: (batch, length), the attention mask.
            wanted: The signals.
            answered: (batch, length), the tokens that have logits, where logits are of tokens.
        """
        places, real_tokens = rows.cpu().numpy(), mask.bool().cpu().numpy()
        signals = {}
        for signal in wanted:
            values = self._array(signal)
            filled, offsets = real_tokens, self._offsets
            if signal == LOGITS:
                if self._answers is None:
                    signals[signal] = torch.from_numpy(values[places]).to(mask.device)
                    continue
                assert answered is not None, "a batch of such rows says which tokens have logits"
                filled, offsets = answered.bool().cpu().numpy(), self._answers
            padded = np.zeros((*mask.shape, values.shape[-1]), np.float32)
            for vectors, there, row in zip(padded, filled, places, strict=True):
                vectors[there] = values[offsets[row] : offsets[row + 1]]
            signals[signal] = torch.from_numpy(padded).to(mask.device)
        return signals

    def _array(self, signal: Signal) -> NDArray[Any]:
        if signal not in self._arrays:
            self._arrays[signal] = np.load(self._folder / file_name(signal), mmap_mode="r")
        return self._arrays[signal]


def open_cache(
    root: Path,
    teacher: PreTrainedModel,
    dataset: EncodedExamples,
    collate: Collate,
    wanted: Sequence[Signal],
    *,
    bf16: bool = False,
    batch_size: int = 64,
    progress: Callable[[int, int], None] | None = None,
) -> TeacherCache:
    """The cache of a teacher's signals on a data set, computed first if it is not there.

    Args:
        root: The folder of all caches.
        teacher: In eval mode.
        dataset: The training rows.
        collate: Makes a padded batch of rows.
        wanted: The signals to keep.
        bf16: Whether the teacher computes in bfloat16.
        batch_size: Rows a forward pass.
        progress: Called with the rows done and their total.

    Raises:
        InputError: The disk has not enough room.
    """
    offsets = _offsets(dataset.lengths)
    answers = None if dataset.answers is None else _offsets(dataset.answers)
    folder = root / cache_key(teacher, dataset, wanted, bf16)[:20]
    with _said_of(root):
        root.mkdir(parents=True, exist_ok=True)
        # The first process holds the lock for all of this run.
        with _lock(folder) if is_main() else contextlib.nullcontext():
            if agree(is_main() and is_whole(folder)):
                logger.info("teacher cache: found in %s", folder)
            else:
                writer = CacheWriter(folder, teacher, dataset, wanted, offsets, answers)
                writer.run(collate, bf16, batch_size, progress)
    return TeacherCache(folder, offsets, answers)


def _offsets(counts: Sequence[int] | NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Where each of some parts begins, and the last ends, (parts + 1,)."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


@contextlib.contextmanager
def _said_of(root: Path) -> Iterator[None]:
    """Names the folder of caches, which few know of, where something can't be written to it."""
    try:
        yield
    except BrokenPipeError:  # of who is told of the progress
        raise
    except OSError as error:
        raise InputError(
            f"{root}: can't keep the teacher's signals there ({error.strerror}); {ELSEWHERE}"
        ) from None


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Keeps others from writing the cache; one that is whole needs no place to write a lock."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(one_at_a_time(folder))
        except OSError:
            if not is_whole(folder):
                raise
        yield


def cache_key(
    teacher: PreTrainedModel, dataset: EncodedExamples, wanted: Sequence[Signal], bf16: bool
) -> str:
    """A hash of all that a cache's content depends on."""
    digest = hashlib.sha256()
    for name, weight in sorted(teacher.state_dict().items()):
        digest.update(f"{name} {weight.dtype} {list(weight.shape)}".encode())
        digest.update(weight.detach().cpu().contiguous().view(torch.uint8).numpy())
    # The structure decides too, but not the name of the folder that it was read from.
    config = {name: str(value) for name, value in teacher.config.to_diff_dict().items()}
    config.pop("_name_or_path", None)
    content = [FORMAT, digest.hexdigest(), config, dataset.hash(), sorted(wanted), bf16]
    return hash_value([*content, torch.__version__])
