"""Every step that a recipe may name: one folder of this package, and one line here."""

from tinybert.steps.add_texts.config import AddTextsConfig
from tinybert.steps.augment.config import AugmentConfig
from tinybert.steps.base import StepConfig
from tinybert.steps.distill.config import DistillStepConfig
from tinybert.steps.factorize.config import FactorizeConfig
from tinybert.steps.finetune.config import FinetuneConfig
from tinybert.steps.general_distill.config import GeneralDistillConfig
from tinybert.steps.generate.config import GenerateConfig
from tinybert.steps.prune.config import PruneConfig
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.shorten.config import ShortenConfig
from tinybert.steps.student.config import StudentConfig
from tinybert.steps.trim_vocabulary.config import TrimConfig

STEPS: dict[str, type[StepConfig]] = {
    each.name: each
    for each in (
        FinetuneConfig,
        GenerateConfig,
        AugmentConfig,
        AddTextsConfig,
        StudentConfig,
        GeneralDistillConfig,
        FactorizeConfig,
        DistillStepConfig,
        TrimConfig,
        PruneConfig,
        ShortenConfig,
        QuantizeConfig,
    )
}
"""The settings of each step by its name."""
