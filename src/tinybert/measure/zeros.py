"""Weights that are zero, and what a file that leaves them out would take."""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybert.formats.registry import FORMATS, format_of
from tinybert.formats.tensors import Tensor
from tinybert.measure.weights import safetensors_header
from tinybert.modeling.hub import weight_files
from tinybert.runtime.packed import packed_bytes

_DTYPES = {"fp32": np.uint32, "bf16": np.uint16, "fp16": np.uint16, "int8": np.uint8}
"""Precisions as bits: NumPy has no bfloat16."""


def sparsity(path: Path) -> dict[str, Any]:
    """How many of a model's weights are zero, in matrices.

    Args:
        path: An artifact, or a Hugging Face folder with safetensors.

    Returns:
        "share", from 0 to 1; "saved_bytes", what packing the matrices would spare.
    """
    elements = zeros = saved = 0
    for bits in _matrices(path):
        width = bits.itemsize
        found = len(bits) - int(np.count_nonzero(bits))
        elements, zeros = elements + len(bits), zeros + found
        saved += len(bits) * width - packed_bytes(len(bits), found, width)
    return {"share": zeros / max(elements, 1), "saved_bytes": saved}


def _matrices(path: Path) -> Iterator[NDArray[Any]]:
    files = [path] if path.is_file() else weight_files(path)
    for file in files:
        for tensor, raw in _raw(file):
            dtype = _DTYPES.get(tensor.precision or "")  # 4 or 2 bits are not looked into
            if dtype is None or len(tensor.shape) < 2:
                continue
            if len(raw) != math.prod(tensor.shape) * np.dtype(dtype).itemsize:
                continue
            bits = np.frombuffer(raw, dtype)
            # Without the sign of floats: a negative number times 0 is -0.
            yield bits if tensor.precision == "int8" else bits << 1


def _raw(file: Path) -> Iterable[tuple[Tensor, bytes]]:
    if (name := format_of(file)) is not None:
        yield from FORMATS[name].load("weights").read_raw(file)
    elif file.suffix == ".safetensors":
        tensors, start = safetensors_header(file)
        with file.open("rb") as opened:
            for tensor, (begin, end) in tensors:
                opened.seek(start + begin)
                yield tensor, opened.read(end - begin)
