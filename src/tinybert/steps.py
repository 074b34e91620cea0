"""Every step that a recipe may name: a step is a typed config beside a function.

A new step is one file with both and one line here. The functions are imported when they run, so
that a recipe can be read and checked without PyTorch.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tinybert.config import Config
from tinybert.distill.config import DistillConfig
from tinybert.finetune.config import FinetuneConfig
from tinybert.quantize.config import QuantizeConfig
from tinybert.students.config import StudentConfig


@dataclass(frozen=True)
class StepKind:
    """What a step's name in a recipe stands for.

    Attributes:
        config: Its settings.
        function: "module:name" of what it does.
        works_on: "model": `config + model + context → model`, in PyTorch.
            "artifact": `fp32 file + target file + config`, after the export.
    """

    config: type[Config]
    function: str
    works_on: Literal["model", "artifact"] = "model"

    def load(self) -> Callable[..., Any]:
        """Imports the function."""
        module, _, name = self.function.partition(":")
        return getattr(importlib.import_module(module), name)


STEPS: dict[str, StepKind] = {
    "finetune": StepKind(FinetuneConfig, "tinybert.finetune.step:finetune"),
    "student": StepKind(StudentConfig, "tinybert.students.step:student"),
    "distill": StepKind(DistillConfig, "tinybert.distill.step:distill"),
    "quantize": StepKind(QuantizeConfig, "tinybert.quantize.dynamic:quantize_dynamic", "artifact"),
}
