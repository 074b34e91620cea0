"""tinybert: a BERT-family model, made small and fast, with proof of what that cost.

`import tinybert` is cheap, and `load` needs no PyTorch: everything is imported at first use.
"""

import importlib
from typing import TYPE_CHECKING, Any

from tinybert.errors import InputError

if TYPE_CHECKING:
    from tinybert.compression import Result, compress
    from tinybert.distill.model import DistillationModel
    from tinybert.distill.trainer import DistillationTrainer
    from tinybert.measure.bench import bench
    from tinybert.models import load_student, open_model
    from tinybert.quantize import quantize_onnx
    from tinybert.recipe import Recipe
    from tinybert.runtime import load
    from tinybert.students.build import build_student
    from tinybert.students.from_teacher import initialize_from_teacher

__version__ = "0.1.0"

# No name here may be that of a module of this package: importing the module would take its place.
_LAZY = {
    "DistillationModel": "tinybert.distill.model",
    "DistillationTrainer": "tinybert.distill.trainer",
    "Recipe": "tinybert.recipe",
    "Result": "tinybert.compression",
    "bench": "tinybert.measure.bench",
    "build_student": "tinybert.students.build",
    "compress": "tinybert.compression",
    "initialize_from_teacher": "tinybert.students.from_teacher",
    "load": "tinybert.runtime",
    "load_student": "tinybert.models",
    "open_model": "tinybert.models",
    "quantize_onnx": "tinybert.quantize",
}

__all__ = [
    "DistillationModel",
    "DistillationTrainer",
    "InputError",
    "Recipe",
    "Result",
    "bench",
    "build_student",
    "compress",
    "initialize_from_teacher",
    "load",
    "load_student",
    "open_model",
    "quantize_onnx",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'tinybert' has no attribute {name!r}")
