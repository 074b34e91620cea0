"""tinybert: a BERT-family model, made small and fast, with proof of what that cost.

`import tinybert` is cheap, and `load` needs no PyTorch: everything is imported at first use.
"""

import importlib
from typing import TYPE_CHECKING, Any

from tinybert.base.errors import InputError

if TYPE_CHECKING:
    from tinybert.distillation.config import DistillConfig
    from tinybert.distillation.model import DistillationModel
    from tinybert.distillation.trainer import DistillationTrainer
    from tinybert.formats.load import load
    from tinybert.formats.open import load_student, open_model
    from tinybert.formats.quantize import quantize_onnx
    from tinybert.measure.bench import bench
    from tinybert.recipe.draft import draft_recipe
    from tinybert.recipe.recipe import Recipe
    from tinybert.run.compress import Result
    from tinybert.runtime.zero_shot import ZeroShotClassifier
    from tinybert.search.compress import compress
    from tinybert.steps.add_texts.config import AddTextsConfig
    from tinybert.steps.augment.config import AugmentConfig
    from tinybert.steps.factorize.config import FactorizeConfig
    from tinybert.steps.finetune.config import FinetuneConfig
    from tinybert.steps.general_distill.config import GeneralDistillConfig
    from tinybert.steps.generate.config import GenerateConfig
    from tinybert.steps.prune.config import PruneConfig
    from tinybert.steps.quantize.config import QuantizeConfig
    from tinybert.steps.shorten.config import ShortenConfig
    from tinybert.steps.student.build import build_student
    from tinybert.steps.student.config import StudentConfig
    from tinybert.steps.student.from_teacher import initialize_from_teacher
    from tinybert.steps.trim_vocabulary.config import TrimConfig

__version__ = "0.1.0"

# No name here may be that of a module of this package: importing the module would take its place.
_LAZY = {
    "AddTextsConfig": "tinybert.steps.add_texts.config",
    "AugmentConfig": "tinybert.steps.augment.config",
    "DistillConfig": "tinybert.distillation.config",
    "DistillationModel": "tinybert.distillation.model",
    "DistillationTrainer": "tinybert.distillation.trainer",
    "FactorizeConfig": "tinybert.steps.factorize.config",
    "FinetuneConfig": "tinybert.steps.finetune.config",
    "GeneralDistillConfig": "tinybert.steps.general_distill.config",
    "GenerateConfig": "tinybert.steps.generate.config",
    "PruneConfig": "tinybert.steps.prune.config",
    "QuantizeConfig": "tinybert.steps.quantize.config",
    "Recipe": "tinybert.recipe.recipe",
    "Result": "tinybert.run.compress",
    "ShortenConfig": "tinybert.steps.shorten.config",
    "StudentConfig": "tinybert.steps.student.config",
    "TrimConfig": "tinybert.steps.trim_vocabulary.config",
    "ZeroShotClassifier": "tinybert.runtime.zero_shot",
    "bench": "tinybert.measure.bench",
    "build_student": "tinybert.steps.student.build",
    "compress": "tinybert.search.compress",
    "draft_recipe": "tinybert.recipe.draft",
    "initialize_from_teacher": "tinybert.steps.student.from_teacher",
    "load": "tinybert.formats.load",
    "load_student": "tinybert.formats.open",
    "open_model": "tinybert.formats.open",
    "quantize_onnx": "tinybert.formats.quantize",
}

__all__ = [
    "AddTextsConfig",
    "AugmentConfig",
    "DistillConfig",
    "DistillationModel",
    "DistillationTrainer",
    "FactorizeConfig",
    "FinetuneConfig",
    "GeneralDistillConfig",
    "GenerateConfig",
    "InputError",
    "PruneConfig",
    "QuantizeConfig",
    "Recipe",
    "Result",
    "ShortenConfig",
    "StudentConfig",
    "TrimConfig",
    "ZeroShotClassifier",
    "bench",
    "build_student",
    "compress",
    "draft_recipe",
    "initialize_from_teacher",
    "load",
    "load_student",
    "open_model",
    "quantize_onnx",
]


def __dir__() -> list[str]:
    return sorted({*(name for name in globals() if name.startswith("__")), *__all__})


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'tinybert' has no attribute {name!r}")
