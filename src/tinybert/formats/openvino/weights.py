"""What weights an OpenVINO IR holds, read without OpenVINO and without the weights.

The .xml lists every constant with its type and shape; their bytes lie in the .bin beside it.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from tinybert.base.errors import InputError, said, short
from tinybert.base.files import require_file
from tinybert.formats.tensors import MOST_ELEMENTS, Tensor, Weights

_PRECISIONS = {
    "i4": "int4",
    "u4": "int4",
    "i8": "int8",
    "u8": "int8",
    "f16": "fp16",
    "bf16": "bf16",
    "f32": "fp32",
}
"""OpenVINO's element types of weights to what we call them."""


def read_weights(path: Path) -> Weights:
    """The constants of an IR, with the bytes of both its files.

    Raises:
        InputError: The .xml is broken, or the .bin is missing.
    """
    tensors = [tensor for tensor, _ in _constants(path)]
    try:
        size = sum(file.stat().st_size for file in (path, path.with_suffix(".bin")))
    except OSError as error:
        raise InputError(f"{path}: its .bin is missing ({error.strerror})") from None
    return Weights(tensors, size)


def read_raw(path: Path) -> Iterator[tuple[Tensor, bytes]]:
    """The constants of an IR with their bytes.

    Raises:
        InputError: The .xml is broken, or the .bin is missing or cut off.
    """
    constants = _constants(path)
    try:
        with path.with_suffix(".bin").open("rb") as file:
            for tensor, (offset, size) in constants:
                file.seek(offset)
                yield tensor, file.read(size)
    except OSError as error:
        raise InputError(f"{path}: its .bin can't be read ({error.strerror})") from None


def _constants(path: Path) -> list[tuple[Tensor, tuple[int, int]]]:
    """Each with where its bytes begin and how many there are."""
    require_file(path)
    try:
        layers = ElementTree.parse(path).findall(".//layer[@type='Const']")
        found = [(layer.attrib["name"], layer.find("data")) for layer in layers]
        return [
            (
                Tensor(name, _PRECISIONS.get(data.attrib["element_type"]), _shape(data)),
                (_natural(data.attrib["offset"]), _natural(data.attrib["size"])),
            )
            for name, data in found
            if data is not None
        ]
    except (OSError, ElementTree.ParseError, KeyError, ValueError) as error:
        raise InputError(f"{path}: not a whole OpenVINO model ({said(error)})") from None


def _natural(text: str) -> int:
    number = int(text)
    if not 0 <= number <= MOST_ELEMENTS:
        raise ValueError(f"a constant at byte {short(text)}")
    return number


def _shape(data: ElementTree.Element) -> tuple[int, ...]:
    shape = tuple(int(size) for size in data.attrib["shape"].split(",") if size.strip())
    if any(size < 0 for size in shape) or math.prod(shape) > MOST_ELEMENTS:
        raise ValueError(f"a constant of shape {short(shape)}")
    return shape
