"""What weights an ONNX file holds, read without the `onnx` package and without the weights.

A file is one protobuf message: a sequence of (field number, value) whose values may be messages
again. Only the few fields named here are looked at; the weights' bytes are skipped over.
See https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

import math
import mmap
from collections.abc import Iterator
from pathlib import Path

from tinybert.base.errors import InputError, said
from tinybert.base.files import require_file
from tinybert.formats.tensors import MOST_ELEMENTS, Tensor, Weights

# Field numbers of onnx.proto.
_MODEL_GRAPH = 7
_GRAPH_INITIALIZER = 5
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_RAW, _TENSOR_EXTERNAL_DATA = 1, 2, 8, 9, 13
_ENTRY_KEY, _ENTRY_VALUE = 1, 2

_PRECISIONS = {26: "int2", 25: "int2", 22: "int4", 21: "int4", 3: "int8", 2: "int8"}
_PRECISIONS |= {10: "fp16", 16: "bf16", 1: "fp32"}
"""TensorProto.DataType of weights to what we call it, narrowest first."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

_VARINT_BYTES = 10
"""The most bytes that 64 bits take."""

_MOST_AXES = 32

# A half-open range of offsets in the file: one message, string or array of it.
_Span = tuple[int, int]


def read_weights(path: Path) -> Weights:
    """The initializers of an ONNX file, with the bytes of the file and of its external data.

    Raises:
        InputError: The file is no ONNX model.
    """
    tensors = read_tensors(path)
    external = {tensor.external_file for tensor in tensors if tensor.external_file}
    files = [path, *(path.parent / name for name in external)]
    try:
        size = sum(file.stat().st_size for file in files)
    except (OSError, ValueError) as error:  # ValueError: no path can hold the name
        raise InputError(f"{path}: weights beside it are missing ({said(error)})") from None
    return Weights(tensors, size)


def read_tensors(path: Path) -> list[Tensor]:
    """The initializers of an ONNX file's main graph.

    Raises:
        InputError: The file is no ONNX model.
    """
    require_file(path)
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return [
                _tensor(data, tensor)
                for graph in _messages(data, (0, len(data)), _MODEL_GRAPH)
                for tensor in _messages(data, graph, _GRAPH_INITIALIZER)
            ]
    except (OSError, ValueError, IndexError) as error:  # ValueError: the file is empty
        raise InputError(f"{path}: not a whole ONNX model ({said(error)})") from None


def read_raw(path: Path) -> Iterator[tuple[Tensor, bytes]]:
    """The initializers of an ONNX file's main graph with their bytes, where these are in the file.

    Raises:
        InputError: The file is no ONNX model.
    """
    tensors = read_tensors(path)  # its checks
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        spans = (
            span
            for graph in _messages(data, (0, len(data)), _MODEL_GRAPH)
            for span in _messages(data, graph, _GRAPH_INITIALIZER)
        )
        for tensor, span in zip(tensors, spans, strict=True):
            for start, end in _messages(data, span, _TENSOR_RAW):
                yield tensor, data[start:end]


def _tensor(data: mmap.mmap, span: _Span) -> Tensor:
    shape: list[int] = []
    kind, name, external_file = 0, "", None
    for field, value in _fields(data, span):
        if field == _TENSOR_DIMS and isinstance(value, int):
            shape.append(value)
        elif field == _TENSOR_DIMS and isinstance(value, tuple):  # packed, as proto3 writes
            shape.extend(_varints(data, value))
        elif field == _TENSOR_TYPE and isinstance(value, int):
            kind = value
        elif field == _TENSOR_NAME and isinstance(value, tuple):
            name = _text(data, value)
        elif field == _TENSOR_EXTERNAL_DATA and isinstance(value, tuple):
            entry = {
                key: _text(data, at) for key, at in _fields(data, value) if isinstance(at, tuple)
            }
            if entry.get(_ENTRY_KEY) == "location":
                external_file = entry.get(_ENTRY_VALUE)
    if len(shape) > _MOST_AXES or not math.prod(shape) <= MOST_ELEMENTS:  # -1 is 2^64 - 1 here
        raise ValueError(f"a tensor of shape {shape[:_MOST_AXES]}")
    return Tensor(name, _PRECISIONS.get(kind), tuple(shape), external_file)


def _messages(data: mmap.mmap, span: _Span, number: int) -> Iterator[_Span]:
    for field, value in _fields(data, span):
        if field == number and isinstance(value, tuple):
            yield value


def _fields(data: mmap.mmap, span: _Span) -> Iterator[tuple[int, int | _Span]]:
    """Field numbers with the value of an integer, the place of anything else."""
    at, end = span
    while at < end:
        tag, at = _varint(data, at)
        wire = tag & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        if wire == _BYTES:
            size, at = _varint(data, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire} at byte {at}")
        if at + size > end:
            raise ValueError(f"cut off at byte {end}")
        yield tag >> 3, (at, at + size)
        at += size


def _varints(data: mmap.mmap, span: _Span) -> Iterator[int]:
    at, end = span
    while at < end:
        value, at = _varint(data, at)
        yield value


def _varint(data: mmap.mmap, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 7 * _VARINT_BYTES, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError(f"a number without an end at byte {at - _VARINT_BYTES}")


def _text(data: mmap.mmap, span: _Span) -> str:
    return data[span[0] : span[1]].decode("utf-8")
