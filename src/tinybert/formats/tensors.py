"""What the files of a model hold, whatever their format."""

import math
from dataclasses import dataclass

BYTES = {"int2": 0.25, "int4": 0.5, "int8": 1.0, "fp16": 2.0, "bf16": 2.0, "fp32": 4.0}
"""Bytes of one element, narrowest first."""

MOST_ELEMENTS = 1 << 48
"""The most elements of a tensor: any file would be too small for more."""


@dataclass(frozen=True)
class Tensor:
    """One tensor of a file.

    Attributes:
        name: In the file.
        precision: One of `BYTES`; None for what is no weight, such as a shape.
        shape: Of any length.
        external_file: The file beside this one that has its bytes.
    """

    name: str
    precision: str | None
    shape: tuple[int, ...]
    external_file: str | None = None

    @property
    def is_parameter(self) -> bool:
        """Whether it is a weight: no constant, and no scale or zero point of a quantized one.

        Example:
            >>> [Tensor(name, "int8", (2, 2)).is_parameter for name in ("w", "w_scale")]
            [True, False]
        """
        # Scalars are constants of a graph; the suffixes are those of ONNX Runtime's quantizer.
        return (
            self.precision is not None
            and self.shape != ()
            and not self.name.endswith(("_scale", "_zero_point"))
        )


@dataclass(frozen=True)
class Weights:
    """What the files of a model hold.

    Attributes:
        tensors: All of them, scales and constants too.
        bytes: Of the files, with whatever else is in them.
    """

    tensors: list[Tensor]
    bytes: int

    @property
    def precision(self) -> str:
        """The narrowest type that one of its matrices has."""
        kinds = {t.precision for t in self.tensors if t.is_parameter and len(t.shape) > 1}
        return next((name for name in BYTES if name in kinds), "fp32")

    @property
    def parameters(self) -> int:
        """Elements of its weights."""
        return sum(math.prod(tensor.shape) for tensor in self.tensors if tensor.is_parameter)
