"""What a recipe will come to, about, before anything runs: rows, sizes of its files, and time."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch
from transformers import PreTrainedModel

from tinybert.families import find_family
from tinybert.formats.registry import FORMATS
from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.modeling.heads import find_head
from tinybert.modeling.load import load_tokenizer
from tinybert.modeling.pretrained import load_config
from tinybert.recipe.inputs import Inputs
from tinybert.recipe.recipe import Recipe, Step
from tinybert.search.census import Census
from tinybert.search.pace import Pace
from tinybert.steps.distilling import DistillingConfig
from tinybert.steps.expected import Expected, Plan
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.training.config import TrainingConfig
from tinybert.training.trainer import optimizer_steps

FINISH_SECONDS = 60.0
"""Export and measurements, about."""


@dataclass(frozen=True)
class Estimate:
    """What a recipe comes to.

    Attributes:
        train_rows: Of the data; None where no step reads them.
        eval_rows: Those that files are measured on.
        classes: Labels; None where a row has a value.
        seconds: What is done, and how long it takes; None where nothing tells, as for a corpus.
        megabytes: Of each file with its tokenizer, by its path below OUT; empty where the family
            is not known.
    """

    train_rows: int | None
    eval_rows: int
    classes: int | None
    seconds: tuple[tuple[str, float | None], ...] = ()
    megabytes: dict[str, float] = field(default_factory=dict)

    @property
    def rows(self) -> str:
        """The rows and classes in words."""
        train = "no" if self.train_rows is None else f"{self.train_rows:,}"
        classes = "" if self.classes is None else f", {self.classes} classes"
        return f"{train} training rows, {self.eval_rows:,} evaluation rows{classes}"

    def lines(self) -> list[str]:
        """The same in words.

        Example:
            >>> found = Estimate(100, 20, 2, (("distill", 90.0),), {"onnx/m.onnx": 4.2})
            >>> print(*found.lines(), sep="\\n")
            100 training rows, 20 evaluation rows, 2 classes
            about 4.2 MB with its tokenizer: onnx/m.onnx
            about 1.5 minutes: distill 1.5
        """
        found = [self.rows]
        found += [
            f"about {size:.1f} MB with its tokenizer: {path}"
            for path, size in self.megabytes.items()
        ]
        known = [(name, seconds) for name, seconds in self.seconds if seconds is not None]
        unknown = [name for name, seconds in self.seconds if seconds is None]
        total = sum(seconds for _, seconds in known) / 60
        parts = ", ".join(f"{name} {seconds / 60:.1f}" for name, seconds in known if seconds)
        if parts:
            found.append(f"about {total:.1f} minutes: {parts}")
        if unknown:
            found.append(f"time not estimated: {', '.join(unknown)}")
        return found


def counted(inputs: Inputs) -> Estimate:
    """The rows and classes alone."""
    labels = getattr(inputs.task, "labels", None)
    return Estimate(
        None if inputs.train is None else len(inputs.train),
        len(inputs.eval),
        None if labels is None else len(labels),
    )


def estimate(recipe: Recipe, inputs: Inputs) -> Estimate:
    """Estimates sizes by shapes alone, and times by a few steps of models of one and two layers.

    Takes seconds. All weights are random, and nothing is written. Heads and neurons that are yet to
    be found, as those that `prune` leaves, count by how many there will be.

    Args:
        recipe: What would be run.
        inputs: What it names, read.
    """
    found = counted(inputs)
    config = inputs.materials.config
    based = any(step.config.begins_with for step in recipe.steps)
    if based or find_family(config.get("model_type")) is None:
        names = [step.name for step in recipe.steps if step.config.works]
        return replace(found, seconds=tuple((name, None) for name in names))
    plan = Plan(recipe.data.max_length, config, ExpectedShape.of(config))
    stages = list(_stages(recipe, plan))
    end = stages[-1].after if stages else Expected(plan.teacher)
    assert end.shape is not None, "the plan has the teacher's"
    teacher = _teacher(inputs)
    count = Census(teacher).count(end.shape)
    text = load_tokenizer(inputs.teacher).backend_tokenizer.to_str()
    kept = (end.shape.vocabulary or teacher.config.vocab_size) / teacher.config.vocab_size
    megabytes = {}
    for target in recipe.export:
        form = FORMATS[target]
        paths: dict[str, QuantizeConfig | None] = {form.path: None}
        if recipe.quantize is not None:
            paths[form.quantized] = recipe.quantize
        for path, quantize in paths.items():
            megabytes[path] = (count.bytes(quantize) + kept * len(text)) / 1e6
    return replace(
        found,
        seconds=(
            *_seconds(recipe, inputs, stages, teacher),
            ("export and measure", FINISH_SECONDS),
        ),
        megabytes=megabytes,
    )


@dataclass(frozen=True)
class _Stage:
    """A step, and what is expected before and after it."""

    step: Step
    before: Expected
    after: Expected


def _stages(recipe: Recipe, plan: Plan) -> Iterator[_Stage]:
    expected = Expected(plan.teacher)
    for step in recipe.steps:
        before, expected = expected, step.config.check(expected, plan)
        yield _Stage(step, before, expected)


def _teacher(inputs: Inputs) -> PreTrainedModel:
    """The teacher without its weights."""
    config = load_config(inputs.teacher)
    config.update(inputs.task.model_config())
    head = find_head(inputs.task.head)
    with torch.device("meta"):
        model: PreTrainedModel = head.from_config(config)
    return model


def _seconds(
    recipe: Recipe, inputs: Inputs, stages: list[_Stage], teacher: PreTrainedModel
) -> Iterator[tuple[str, float | None]]:
    """How long each step takes that does something before the export."""
    rows = 0 if inputs.train is None else len(inputs.train)
    pace = Pace(inputs, recipe.data.max_length, teacher)
    taught: ExpectedShape | None = None
    for stage in stages:
        config, before = stage.step.config, stage.before.shape
        assert before is not None, "the plan has the teacher's"
        if config.shrinks and taught is None:
            taught = before
        within = config.within if isinstance(config, DistillingConfig) else config
        if not isinstance(config, DistillingConfig) and config.reads_corpus and config.trains:
            yield stage.step.name, None  # nobody has counted the corpus
        elif isinstance(within, TrainingConfig):
            shape = stage.after.shape or before
            steps = optimizer_steps(within, rows)
            yield stage.step.name, pace.training(shape, within, steps, rows, taught)
        elif config.works:
            yield stage.step.name, None
        rows = config.rows_after(rows)
