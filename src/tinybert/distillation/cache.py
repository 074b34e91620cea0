"""What a teacher gives for every training row, computed once and read from disk ever after.

A cache is a folder of NumPy files, memory-mapped, and a meta.json that is written last, with the
size and checksum of each. Its name is a hash of all that its content depends on: the teacher's
weights, the token ids of every row, the signals, the precision. So a changed teacher, tokenizer
or row has another name and can't meet a stale entry.
"""

import contextlib
import hashlib
import json
import logging
import math
import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from tinybert.base.errors import InputError
from tinybert.base.files import hash_value, remove, write_json
from tinybert.base.locks import one_at_a_time
from tinybert.distillation.signals import LOGITS, Signal, Signals, model_inputs, run
from tinybert.families import Role
from tinybert.modeling.blocks import blocks
from tinybert.modeling.distributed import agree, is_main, share_of_work, wait_for_all
from tinybert.training.batches import ANSWERED, EncodedExamples

logger = logging.getLogger(__name__)

ELSEWHERE = "set `cache: off`, or TINYBERT_CACHE to another folder"

FORMAT = 1
META = "meta.json"
LOGITS_TYPE, VECTORS_TYPE = np.float32, np.float16
"""Vectors are most of the bytes; float16 has three bits more than bfloat16 where they lie."""

Collate = Callable[[list[dict[str, Any]]], dict[str, Tensor]]


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
            self._arrays[signal] = np.load(self._folder / _file(signal), mmap_mode="r")
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
                writer = _Writer(folder, teacher, dataset, wanted, offsets, answers)
                writer.run(collate, bf16, batch_size, progress)
    return TeacherCache(folder, offsets, answers)


def _offsets(counts: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
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


def cache_root() -> Path:
    """Where what all runs share lies: $TINYBERT_CACHE, or the user's cache folder."""
    if "TINYBERT_CACHE" in os.environ:
        return Path(os.environ["TINYBERT_CACHE"])
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "tinybert"


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


def predicted_bytes(
    teacher: PreTrainedModel, dataset: EncodedExamples, wanted: Sequence[Signal]
) -> int:
    """The size of a cache, known before it is computed."""
    return sum(
        math.prod(_shape(signal, teacher, dataset)) * np.dtype(_type(signal)).itemsize
        for signal in wanted
    )


def is_whole(folder: Path) -> bool:
    """Whether a cache is there and every file of it is as it was written."""
    try:
        files = json.loads((folder / META).read_text(encoding="utf-8"))["files"]
        return all(_checksum(folder / name) == checksum for name, checksum in files.items())
    except (OSError, ValueError, KeyError):
        return False


class _Writer:
    """Makes a cache; the processes of a run do a share of the rows each."""

    def __init__(
        self,
        folder: Path,
        teacher: PreTrainedModel,
        dataset: EncodedExamples,
        wanted: Sequence[Signal],
        offsets: NDArray[np.int64],
        answers: NDArray[np.int64] | None,
    ) -> None:
        self._folder = folder
        self._unfinished = folder.with_name(f".{folder.name}.partial")
        self._teacher = teacher
        self._dataset = dataset
        self._wanted = list(wanted)
        self._offsets = offsets
        self._answers = answers
        self._arrays: dict[Signal, NDArray[Any]] = {}

    @torch.inference_mode()
    def run(
        self,
        collate: Collate,
        bf16: bool,
        batch_size: int,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        if is_main():
            self._begin()
        wait_for_all()
        for signal in self._wanted:
            path = self._unfinished / _file(signal)
            self._arrays[signal] = np.lib.format.open_memmap(path, mode="r+")
        device = self._teacher.device
        order = np.argsort(self._dataset.lengths, kind="stable")
        for start in self._batches(len(order), batch_size):
            rows = order[start : start + batch_size]
            batch = collate([self._dataset[int(row)] for row in rows])
            inputs = {name: value.to(device) for name, value in model_inputs(batch).items()}
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                signals = run(self._teacher, inputs, self._wanted)[1]
            for signal, values in signals.items():
                mask = batch["attention_mask"]
                if signal == LOGITS:
                    mask = batch.get(ANSWERED, mask)
                self._keep(signal, rows, mask.bool().numpy(), values.float().cpu().numpy())
            if progress is not None and is_main():
                progress(start + len(rows), len(order))
        wait_for_all()
        if is_main():
            self._end()
        wait_for_all()

    def _batches(self, rows: int, batch_size: int) -> range:
        """Where the batches of this process begin."""
        share = share_of_work()
        if share is None:
            return range(0)
        part, parts = share
        return range(part * batch_size, rows, parts * batch_size)

    def _begin(self) -> None:
        size = predicted_bytes(self._teacher, self._dataset, self._wanted)
        free = shutil.disk_usage(self._folder.parent).free
        if size > free:
            raise InputError(
                f"{self._folder.parent}: the teacher's signals take {size / 1e6:,.0f} MB and the "
                f"disk has {free / 1e6:,.0f} MB left; {ELSEWHERE}"
            )
        logger.info("teacher cache: %.1f MB to be written to %s", size / 1e6, self._folder)
        remove(self._folder)  # torn, if it is there at all
        remove(self._unfinished)
        self._unfinished.mkdir()
        for signal in self._wanted:
            path = self._unfinished / _file(signal)
            shape = _shape(signal, self._teacher, self._dataset)
            array = np.lib.format.open_memmap(path, "w+", dtype=_type(signal), shape=shape)
            _reserve(path, array.offset)

    def _end(self) -> None:
        names = [_file(signal) for signal in self._wanted]
        checksums = {name: _checksum(self._unfinished / name) for name in names}
        write_json(self._unfinished / META, {"format": FORMAT, "files": checksums})
        os.replace(self._unfinished, self._folder)

    def _keep(
        self,
        signal: Signal,
        rows: NDArray[np.int64],
        kept_tokens: NDArray[np.bool_],
        values: NDArray[np.float32],
    ) -> None:
        array = self._arrays[signal]
        offsets = self._offsets
        if signal == LOGITS:
            if self._answers is None:
                array[rows] = values
                return
            offsets = self._answers
        limit = np.finfo(array.dtype).max
        for vectors, kept, row in zip(values, kept_tokens, rows, strict=True):
            tokens = slice(offsets[row], offsets[row + 1])
            array[tokens] = vectors[kept].clip(-limit, limit)


def _reserve(path: Path, start: int) -> None:
    """Takes a file's place on the disk now: a mapped file that finds none later kills us.

    Args:
        path: Of a file that has its length, but from `start` on nothing but a hole.
        start: In bytes.
    """
    size = path.stat().st_size
    try:
        with path.open("r+b") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
                return
            file.seek(start)  # macOS and Windows
            while (left := size - file.tell()) > 0:
                file.write(bytes(min(left, 1 << 22)))
    except OSError:
        remove(path.parent)
        raise


def _shape(signal: Signal, teacher: PreTrainedModel, dataset: EncodedExamples) -> tuple[int, int]:
    if signal == LOGITS:
        answers = len(dataset) if dataset.answers is None else int(dataset.answers.sum())
        return answers, int(teacher.config.num_labels or 1)
    kind, layer = signal
    if kind == "hidden":
        return sum(dataset.lengths), teacher.config.hidden_size
    projection = blocks(teacher)[layer - 1].linear(cast(Role, kind))
    return sum(dataset.lengths), projection.out_features


def _type(signal: Signal) -> type[np.floating[Any]]:
    return LOGITS_TYPE if signal == LOGITS else VECTORS_TYPE


def _file(signal: Signal) -> str:
    kind, layer = signal
    return "logits.npy" if signal == LOGITS else f"{kind}-{layer}.npy"


def _checksum(path: Path) -> list[int]:
    """Size and CRC-32 of a file."""
    size, crc = 0, 0
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            size, crc = size + len(block), zlib.crc32(block, crc)
    return [size, crc]
