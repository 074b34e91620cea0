"""The tensors of a model's files by name, type and shape, read without loading the model."""

import json
import math
from pathlib import Path
from typing import Any

from tinybert.base.errors import InputError, cut, missing_extra, said, short
from tinybert.formats.registry import artifact_format
from tinybert.formats.tensors import MOST_ELEMENTS, Tensor, Weights
from tinybert.modeling.hub import weight_files

_SAFETENSORS = {"F32": "fp32", "BF16": "bf16", "F16": "fp16", "I8": "int8", "U8": "int8"}


def stored_weights(path: Path) -> Weights:
    """Reads an artifact, or the weight files of a Hugging Face folder.

    Raises:
        InputError: A file is broken, or is a pickle and PyTorch is not installed.
    """
    if path.is_file():
        found: Weights = artifact_format(path).load("weights").read_weights(path)
        return found
    files = weight_files(path)
    tensors = [tensor for file in files for tensor in _read(file)]
    return Weights(tensors, sum(file.stat().st_size for file in files))


def _read(path: Path) -> list[Tensor]:
    return _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)


def _read_safetensors(path: Path) -> list[Tensor]:
    return [tensor for tensor, _ in safetensors_header(path)[0]]


def safetensors_header(path: Path) -> tuple[list[tuple[Tensor, tuple[int, int]]], int]:
    """The tensors of a safetensors file with the places of their bytes, and where these begin.

    Raises:
        InputError: The file is broken.
    """
    # Eight bytes say how long the header is; the weights come after it, in one piece.
    # See https://huggingface.co/docs/safetensors#format.
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            size = path.stat().st_size
            if length > size:
                raise ValueError("its header is cut off")
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        for name, entry in header.items():
            _check_entry(name, entry)
        end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
        if size != 8 + length + end:
            raise ValueError(f"{size} bytes where its header says {8 + length + end}")
        tensors = [
            (
                Tensor(name, _SAFETENSORS.get(entry["dtype"]), tuple(entry["shape"])),
                (entry["data_offsets"][0], entry["data_offsets"][1]),
            )
            for name, entry in header.items()
        ]
        return tensors, 8 + length
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: not a whole safetensors file ({said(error)})") from None


def _check_entry(name: str, entry: dict[str, Any]) -> None:
    """Refuses a tensor whose shape and place in the file are none.

    Raises:
        ValueError: It is such a one.
    """
    shape, offsets = entry["shape"], entry["data_offsets"]
    numbers = [*shape, *offsets]
    if not all(type(number) is int and 0 <= number <= MOST_ELEMENTS for number in numbers):
        raise ValueError(f"{cut(name, 100)} has the shape {short(shape)} at {short(offsets)}")
    if math.prod(shape) > MOST_ELEMENTS or not offsets[0] <= offsets[1]:
        raise ValueError(f"{cut(name, 100)} has the shape {short(shape)} at {short(offsets)}")


def _read_pickle(path: Path) -> list[Tensor]:
    try:
        import torch
    except ModuleNotFoundError:
        raise missing_extra("torch", "train", f"to read {path}") from None
    try:
        named = torch.load(path, map_location="cpu", weights_only=True)
        # Tied weights have several names and one place in memory.
        unique = {tensor.data_ptr(): (name, tensor) for name, tensor in reversed(named.items())}
    except Exception as error:  # of pickle, of zip files, of PyTorch, ...
        raise InputError(f"{path}: not a whole file of PyTorch weights ({said(error)})") from None
    precisions = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}
    return [
        Tensor(name, precisions.get(tensor.dtype), tuple(tensor.shape))
        for name, tensor in unique.values()
    ]
