"""Every step that a recipe may name: a step is a typed config beside a function.

A new step is one file with both and one line here. The functions are imported when they run, so
that a recipe can be read and checked without PyTorch.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tinybert.config import Config
from tinybert.distill.config import DistillConfig, GeneralDistillConfig
from tinybert.finetune.config import FinetuneConfig
from tinybert.generate.config import GenerateConfig
from tinybert.quantize.config import QuantizeConfig
from tinybert.students.config import StudentConfig


@dataclass(frozen=True)
class StepKind:
    """What a step's name in a recipe stands for.

    Attributes:
        config: Its settings.
        function: "module:name" of what it does.
        works_on: "model": `config + model + context → model`, in PyTorch.
            "rows": `config + model + context → texts`, which take the place of the training rows.
            "artifact": `fp32 file + target file + config`, after the export.
        trains: Whether it trains, which all processes of a run do together.
    """

    config: type[Config]
    function: str
    works_on: Literal["model", "rows", "artifact"] = "model"
    trains: bool = False

    def load(self) -> Callable[..., Any]:
        """Imports the function."""
        module, _, name = self.function.partition(":")
        return getattr(importlib.import_module(module), name)


STEPS: dict[str, StepKind] = {
    "finetune": StepKind(FinetuneConfig, "tinybert.finetune.step:finetune", trains=True),
    "generate": StepKind(GenerateConfig, "tinybert.generate.step:generate", "rows"),
    "student": StepKind(StudentConfig, "tinybert.students.step:student"),
    "general-distill": StepKind(
        GeneralDistillConfig, "tinybert.distill.general:general_distill", trains=True
    ),
    "distill": StepKind(DistillConfig, "tinybert.distill.step:distill", trains=True),
    "quantize": StepKind(QuantizeConfig, "tinybert.quantize.dynamic:quantize_dynamic", "artifact"),
}
