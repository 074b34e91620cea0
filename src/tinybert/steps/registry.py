"""Every step that a recipe may name: a step is a typed config beside a function.

A new step is one file with both and one line here. The functions are imported when they run, so
that a recipe can be read and checked without PyTorch.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tinybert.distillation.config import DistillConfig
from tinybert.steps.augment.config import AugmentConfig
from tinybert.steps.factorize.config import FactorizeConfig
from tinybert.steps.finetune.config import FinetuneConfig
from tinybert.steps.general_distill.config import GeneralDistillConfig
from tinybert.steps.generate.config import GenerateConfig
from tinybert.steps.prune.config import PruneConfig
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.shorten.config import ShortenConfig
from tinybert.steps.student.config import StudentConfig
from tinybert.steps.trim_vocabulary.config import TrimConfig
from tinybert.training.section import Config


@dataclass(frozen=True)
class StepKind:
    """What a step's name in a recipe stands for.

    Attributes:
        config: Its settings.
        function: "module:name" of what it does.
        works_on: "model": `config + model + context → model`, in PyTorch.
            "vocabulary": `config + model + context → model, tokenizer, kept ids`.
            "rows": `config + model + context → texts`, which take the place of the training rows.
            "artifact": `fp32 file + target file + config → files written`, after the export.
        trains: Whether it trains, which all processes of a run do together.
        shrinks: Whether it makes the model smaller or coarser. What the model was before the
            first such step is the teacher of all that follow.
        keeps_weights: Whether it shrinks what is computed and leaves the weights as they are.
        asks_teacher: Whether a step that makes rows asks the model for them, which nothing may
            have made smaller by then.
        prepare: Of a step that works on artifacts, "module:name" of what it does to the model
            before the export, where its config says that it `prepares`.
    """

    config: type[Config]
    function: str
    works_on: Literal["model", "vocabulary", "rows", "artifact"] = "model"
    trains: bool = False
    shrinks: bool = False
    keeps_weights: bool = False
    asks_teacher: bool = False
    prepare: str | None = None

    def load(self) -> Callable[..., Any]:
        """Imports the function."""
        return _load(self.function)

    def load_model_function(self) -> Callable[..., Any]:
        """Imports what works on the model: `prepare` where there is one, else the function."""
        return _load(self.prepare or self.function)


def _load(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


STEPS: dict[str, StepKind] = {
    "finetune": StepKind(FinetuneConfig, "tinybert.steps.finetune.step:finetune", trains=True),
    "generate": StepKind(
        GenerateConfig, "tinybert.steps.generate.step:generate", "rows", asks_teacher=True
    ),
    "augment": StepKind(AugmentConfig, "tinybert.steps.augment.step:augment", "rows"),
    "student": StepKind(StudentConfig, "tinybert.steps.student.step:student", shrinks=True),
    "general-distill": StepKind(
        GeneralDistillConfig, "tinybert.steps.general_distill.step:general_distill", trains=True
    ),
    "factorize": StepKind(FactorizeConfig, "tinybert.steps.factorize.step:factorize", shrinks=True),
    "distill": StepKind(DistillConfig, "tinybert.distillation.on_rows:distill", trains=True),
    "trim-vocabulary": StepKind(
        TrimConfig,
        "tinybert.steps.trim_vocabulary.step:trim_vocabulary",
        "vocabulary",
        shrinks=True,
    ),
    "prune": StepKind(PruneConfig, "tinybert.steps.prune.step:prune", trains=True, shrinks=True),
    "shorten": StepKind(
        ShortenConfig, "tinybert.steps.shorten.step:shorten", shrinks=True, keeps_weights=True
    ),
    "quantize": StepKind(
        QuantizeConfig,
        "tinybert.formats.quantize:quantize_artifact",
        "artifact",
        trains=True,
        shrinks=True,
        prepare="tinybert.steps.quantize.step:prepare",
    ),
}
