"""Writes what a teacher gives for every training row: NumPy files, and a meta.json at last."""

import json
import logging
import math
import os
import shutil
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from tinybert.base.errors import InputError
from tinybert.base.files import remove, write_json
from tinybert.distillation.predictions import count_outputs
from tinybert.distillation.signals import LOGITS, Signal, model_inputs, run
from tinybert.families import Role
from tinybert.modeling.blocks import blocks
from tinybert.modeling.distributed import is_main, share_of_work, wait_for_all
from tinybert.training.batches import ANSWERED, EncodedExamples

logger = logging.getLogger(__name__)

ELSEWHERE = "set `cache: off`, or TINYBERT_CACHE to another folder"

FORMAT = 1
META = "meta.json"
LOGITS_TYPE, VECTORS_TYPE = np.float32, np.float16
"""Vectors are most of the bytes; float16 has three bits more than bfloat16 where they lie."""

Collate = Callable[[list[dict[str, Any]]], dict[str, Tensor]]


class CacheWriter:
    """Makes a cache; the processes of a run do a share of the rows each.

    Args:
        folder: Of the cache; it is there only when all of it is written.
        teacher: In eval mode.
        dataset: The training rows.
        wanted: The signals to keep.
        offsets: (rows + 1,), where the tokens of each row begin in the arrays of vectors.
        answers: (rows + 1,), where the logits of each row begin; None where each row has one.
    """

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
        """Computes and writes all of it; every process of a run has to call this."""
        if is_main():
            self._begin()
        wait_for_all()
        for signal in self._wanted:
            path = self._unfinished / file_name(signal)
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
            path = self._unfinished / file_name(signal)
            shape = _shape(signal, self._teacher, self._dataset)
            array = np.lib.format.open_memmap(path, "w+", dtype=_type(signal), shape=shape)
            _reserve(path, array.offset)

    def _end(self) -> None:
        names = [file_name(signal) for signal in self._wanted]
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


def file_name(signal: Signal) -> str:
    """Where a signal lies in the folder of a cache."""
    kind, layer = signal
    return "logits.npy" if signal == LOGITS else f"{kind}-{layer}.npy"


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
        return answers, count_outputs(teacher.config)
    kind, layer = signal
    if kind == "hidden":
        return sum(dataset.lengths), teacher.config.hidden_size
    projection = blocks(teacher)[layer - 1].linear(cast(Role, kind))
    return sum(dataset.lengths), projection.out_features


def _type(signal: Signal) -> type[np.floating[Any]]:
    return LOGITS_TYPE if signal == LOGITS else VECTORS_TYPE


def _checksum(path: Path) -> list[int]:
    """Size and CRC-32 of a file."""
    size, crc = 0, 0
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            size, crc = size + len(block), zlib.crc32(block, crc)
    return [size, crc]
