"""Runs a recipe: the one room that knows all steps.

data → teacher → student → steps → artifacts → measurements → report. Each arrow is a folder
below OUT/steps, so that a run that was stopped goes on where it was.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, TrainerCallback, set_seed

from tinybert.base.errors import InputError
from tinybert.base.faults import writing_below
from tinybert.base.files import remove, write_json
from tinybert.base.progress import Progress, ProgressCallback, silent
from tinybert.measure.evaluate import evaluate
from tinybert.measure.guess import no_better_than_constant
from tinybert.measure.held_out import HeldOut, hold_out
from tinybert.modeling.distributed import agree, is_main, start, wait_for_all
from tinybert.modeling.embedding_rows import keep_pieces
from tinybert.modeling.hub import find_folder
from tinybert.modeling.load import load_masked_lm, load_model, load_tokenizer, save_model
from tinybert.modeling.torch_model import TorchModel, load_torch
from tinybert.output.claim import claim
from tinybert.output.publication import withdraw
from tinybert.recipe.inputs import Inputs, read_inputs
from tinybert.recipe.plan import check_users_code
from tinybert.recipe.recipe import Recipe, Step
from tinybert.report.build import build_report
from tinybert.report.publish import REPORT, publish
from tinybert.run.artifacts import export_both, latencies, measure
from tinybert.run.output_folder import check_out
from tinybert.run.workspace import StepFolders, Stopwatch, exclusive
from tinybert.runtime.seal import is_whole, seal
from tinybert.steps.quantize.note import QUANTIZATION_KEY
from tinybert.steps.registry import STEPS
from tinybert.steps.student.config import StudentConfig
from tinybert.tasks.task import Examples
from tinybert.training.calibration import sample_texts
from tinybert.training.context import Context

logger = logging.getLogger(__name__)

CHECKPOINTS, SECONDS = "checkpoints", "seconds.txt"
AT_WORK = (CHECKPOINTS, SECONDS, "tensorboard", "step.json")
"""What a step writes in its folder while it works, and when its model is made already."""
MEASUREMENTS = {"version": 2}
"""Of what measurements.json holds: a run that goes on measures anew where older code wrote it."""


@dataclass(frozen=True)
class Result:
    """A finished run.

    Attributes:
        out: Its folder, which `tinybert.load` takes.
        report: The content of report.json.
    """

    out: Path
    report: dict[str, Any]


def compress(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    out: str | Path = "out",
    *,
    fresh: bool = False,
    overrides: Sequence[str] = (),
    progress: ProgressCallback = silent,
) -> Result:
    """Compresses a model as a recipe says, and measures the result.

    Run again with the same `out`, it goes on where it stopped; steps whose settings and inputs
    have not changed are not done again.

    Args:
        recipe: A YAML file, a mapping of the same form, or a Recipe.
        out: The output folder.
        fresh: Start over.
        overrides: "path.to.key=value" each, as `--set` takes them.
        progress: Called as the work goes on.

    Raises:
        InputError: The recipe or something that it names can't be used.
        OSError: A disk is full, or a folder can't be read or written; the file is named.

    Example:
        >>> compress("recipe.yaml").report["ratios"]  # doctest: +SKIP
        {"retention": 0.99, "smaller": 6.2, "faster": 8.3, "less_memory": 4.4}
    """
    if isinstance(recipe, Recipe) and overrides:
        recipe = recipe.resolved()
    if isinstance(recipe, Mapping):
        recipe = Recipe.from_mapping(recipe, overrides)
    elif not isinstance(recipe, Recipe):
        recipe = Recipe.read(recipe, overrides)
    out = check_out(out, recipe)
    start()
    inputs = read_inputs(recipe)
    check_users_code(recipe)
    with writing_below(out), exclusive(out):
        if is_main():
            claim(out, "compress")
        wait_for_all()
        return _Run(recipe, inputs, out, progress).run(fresh)


class _Run:
    """One run of one recipe in one folder."""

    def __init__(
        self, recipe: Recipe, inputs: Inputs, out: Path, progress: ProgressCallback
    ) -> None:
        self.recipe = recipe
        self.inputs = inputs
        self.out = out
        self.progress = progress
        self.folders = StepFolders(out / "steps", inputs.key)
        self.tokenizer = load_tokenizer(inputs.teacher, recipe.data.max_length)
        self.teacher: Path | None = None  # until there is a student
        self.model = inputs.teacher
        self.kept_pieces: tuple[int, ...] | None = None  # until the vocabulary is trimmed
        self.train = inputs.train
        files = (step for step in recipe.steps if step.kind.works_on == "artifact")
        self.quantize = next(files, None)  # the recipe refuses a second one
        self.unquantized: Path | None = None  # until the quantization has worked on the model

    def run(self, fresh: bool) -> Result:
        if fresh:
            self.folders.clear()
        done: list[dict[str, Any]] = []
        for step, reads in zip(self.recipe.steps, self.inputs.reads, strict=True):
            settings = [step.config.model_dump(), reads]
            if isinstance(step.config, StudentConfig) and step.config.shape == "fast":
                # It is chosen by the speed of the file that the run ends in.
                settings.append(self._export_settings())
            if step.kind.works_on == "rows":
                done.append(self._make_rows(step, settings, done[-1] if done else None))
            elif step.kind.works_on != "artifact" or step.config.prepares:
                done.append(self._step(step, settings))
        artifacts = self.folders.run("export", self._export_settings(), self._export)
        measured = self.folders.run(
            "measure", MEASUREMENTS, lambda folder: self._measure(artifacts, folder)
        )
        # The other processes of the run have the report too, but leave OUT to the first.
        measurements = json.loads((measured / "measurements.json").read_text(encoding="utf-8"))
        report = build_report(
            measurements, self.inputs.task, len(self.inputs.eval), done, self.recipe.resolved()
        )
        if is_main():
            publish(self.out, self._student(artifacts), artifacts / "model", report, self.recipe)
        wait_for_all()
        return Result(self.out, report)

    def _step(self, step: Step, settings: list[Any]) -> dict[str, Any]:
        if is_main() and not self.folders.is_done(step.name, settings):
            # From here on OUT is no longer the finished run that it may have been.
            withdraw(self.out, REPORT)
            if step.kind.shrinks and self.teacher is None:
                self._check_teacher()
        folder = self.folders.run(
            step.name, settings, lambda work: self._work(step, work), together=step.kind.trains
        )
        if step.kind.shrinks and self.teacher is None:
            self.teacher = self.model
        if step is self.quantize:
            self.unquantized = self.model
        self.model = folder / "model"
        if step.kind.works_on == "vocabulary":
            self.tokenizer = load_tokenizer(self.model, self.recipe.data.max_length)
            kept = json.loads((folder / "kept.json").read_text(encoding="utf-8"))
            before = self.kept_pieces
            self.kept_pieces = tuple(kept if before is None else (before[id_] for id_ in kept))
        return json.loads((folder / "step.json").read_text(encoding="utf-8"))

    def _check_teacher(self) -> None:
        """Warns of a teacher that has nothing to teach, the most common mistake."""
        task, rows = self.inputs.task, self.inputs.eval
        message = no_better_than_constant(
            evaluate(self._opened(self.model), rows, task), task, rows
        )
        if message is not None:
            logger.warning("the teacher's %s: was it fine-tuned for this task?", message)

    def _make_rows(
        self, step: Step, settings: list[Any], before: dict[str, Any] | None
    ) -> dict[str, Any]:
        """A step that makes texts; those after it learn from them. The model stays as it was."""

        def work(folder: Path) -> None:
            watch = Stopwatch(folder / SECONDS)
            set_seed(self.recipe.seed)
            model = load_model(self.model, self.inputs.task)
            texts = step.kind.load()(step.config, model, self._context(folder, watch))
            if not texts:
                raise InputError(f"{step.name}: made no rows; its settings leave no room for text")
            write_json(folder / "rows.json", texts)
            own = {"name": step.name, "seconds": round(watch.seconds, 1), "rows": len(texts)}
            write_json(folder / "step.json", {**(before or self._measured(self.model)), **own})
            remove(folder / SECONDS)

        folder = self.folders.run(step.name, settings, work)
        rows = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
        texts = [tuple(row) if isinstance(row, list) else row for row in rows]
        self.train = Examples.of_texts(texts, None, f"the rows of `{step.name}`")
        return json.loads((folder / "step.json").read_text(encoding="utf-8"))

    def _work(self, step: Step, folder: Path) -> None:
        watch = Stopwatch(folder / SECONDS)
        # A run that was killed while it cleaned up has its model, and perhaps half a checkpoint.
        made = is_main() and is_whole(folder, leave_out=AT_WORK)
        if not (agree(made) if step.kind.trains else made):
            self._make_model(step, folder, watch)
        if not is_main():
            return
        own = {"name": step.name, "seconds": round(watch.seconds, 1)}
        write_json(folder / "step.json", {**own, **self._measured(folder / "model")})
        remove(folder / CHECKPOINTS)
        remove(folder / SECONDS)

    def _opened(self, path: Path) -> TorchModel:
        return load_torch(path, max_length=self.recipe.data.max_length)

    def _measured(self, path: Path) -> dict[str, Any]:
        """What a step's entry in report.json says of the model that it left."""
        model = self._opened(path)
        facts = model.facts()
        return {
            "metric": evaluate(model, self.inputs.eval, self.inputs.task)["metric"],
            "parameters": facts.parameters,
            "bytes": facts.bytes,
        }

    def _make_model(self, step: Step, folder: Path, watch: Stopwatch) -> None:
        task = self.inputs.task
        set_seed(self.recipe.seed)
        model = load_model(self.model, task, new_head=step.name == "finetune")
        # Ranges of activations are those of the model that they were measured on.
        vars(model.config).pop(QUANTIZATION_KEY, None)
        context = self._context(folder, watch, self._load_teacher(step))
        context.progress(Progress(step.name, 0, 1))
        tokenizer = self.tokenizer
        made = step.kind.load_model_function()(step.config, model, context)
        if step.kind.works_on == "vocabulary":
            model, tokenizer, kept = made
            write_json(folder / "kept.json", list(kept))
        else:
            model = made
        if is_main():
            save_model(model, tokenizer, folder / "model")
            seal(folder, leave_out=AT_WORK)

    def _context(
        self, folder: Path, watch: Stopwatch, teacher: PreTrainedModel | None = None
    ) -> Context:
        def report(progress: Progress) -> None:
            watch.tick()
            self.progress(progress)

        def heal(
            model: PreTrainedModel, settings: Any, callbacks: Sequence[TrainerCallback] = ()
        ) -> PreTrainedModel:
            return STEPS["distill"].load()(settings, model, context, callbacks)

        def measure_latencies(models: Sequence[PreTrainedModel]) -> list[float]:
            return latencies(models, self.tokenizer, self.recipe.export[0], self.quantize)

        context = Context(
            task=self.inputs.task,
            train=self.train or Examples([], None, "no rows yet"),
            tokenizer=self.tokenizer,
            max_length=self.recipe.data.max_length,
            seed=self.recipe.seed,
            folder=folder / CHECKPOINTS,
            teacher=teacher,
            unlabeled=tuple(self.recipe.data.unlabeled),
            progress=report if is_main() else silent,
            heal=heal,
            latencies=measure_latencies,
            kept_pieces=self.kept_pieces,
        )
        return context

    def _load_teacher(self, step: Step) -> PreTrainedModel | None:
        """The model that a step learns from; None before the first that shrinks it."""
        if step.name == "general-distill" and not step.config.fine_tuned:
            # Its encoder alone matters: an un-fine-tuned teacher has no head for the task.
            folder = find_folder(step.config.other_teacher or str(self.inputs.teacher))
            if step.config.prediction:
                return load_masked_lm(folder)
            return load_model(folder, self.inputs.task, new_head=True)
        source = self.teacher or (self.model if step.kind.shrinks else None)
        if source is None:
            return None
        teacher = load_model(source, self.inputs.task)
        return teacher if self.kept_pieces is None else keep_pieces(teacher, self.kept_pieces)

    def _export_settings(self) -> list[Any]:
        quantize = None if self.quantize is None else self.quantize.config.model_dump()
        return [list(self.recipe.export), quantize]

    def _export(self, folder: Path) -> None:
        self.progress(Progress("export", 0, 1))
        withdraw(self.out, REPORT)
        if self.model == self.inputs.teacher:
            # No step has made it: its tokenizer would cut texts elsewhere than the artifacts do.
            model = load_model(self.model, self.inputs.task)
            save_model(model, self.tokenizer, folder / "student")
        export_both(
            self.model,
            self.teacher or self.model,
            folder,
            task=self.inputs.task,
            max_length=self.recipe.data.max_length,
            targets=self.recipe.export,
            quantize=self.quantize,
        )
        self.progress(Progress("export", 1, 1))

    def _student(self, artifacts: Path) -> Path:
        """The model that was exported."""
        saved = artifacts / "student"
        return saved if saved.exists() else self.model

    def _measure(self, artifacts: Path, folder: Path) -> None:
        student = self._student(artifacts)
        measurements = measure(
            artifacts,
            student,
            None if self.quantize is None else self.unquantized or student,
            self.teacher or self.model,
            self.inputs.task,
            self.recipe.data.max_length,
            self.inputs.eval,
            self._held_out(folder),
            self.progress,
        )
        write_json(folder / "measurements.json", measurements)

    def _held_out(self, folder: Path) -> HeldOut:
        """Training rows that the quantization has not measured anything on."""
        rows = self.inputs.train or self.train
        if rows is None or self.quantize is None:
            return HeldOut(Examples([], None, "no training rows"))
        config = self.quantize.config
        context = self._context(folder, Stopwatch(folder / SECONDS))
        seen = sample_texts(context, config.calibration_rows) if config.measures else []
        return HeldOut(hold_out(rows, seen, self.recipe.seed), config.healing is not None)
