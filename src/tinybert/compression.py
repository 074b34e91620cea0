"""Runs a recipe: the one room that knows all steps.

data → teacher → student → steps → artifacts → measurements → report. Each arrow is a folder
below OUT/steps, so that a run that was stopped goes on where it was.
"""

import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from transformers import PreTrainedModel, set_seed

from tinybert.context import Context
from tinybert.distributed import agree, is_main, start, wait_for_all
from tinybert.errors import InputError
from tinybert.export import check_parity, export
from tinybert.export.targets import TARGETS
from tinybert.files import atomic_path, remove, write_json, write_text
from tinybert.hub import find_folder
from tinybert.huggingface import load_masked_lm, load_model, load_tokenizer, save_model
from tinybert.inputs import Inputs, read_inputs
from tinybert.measure.bench import bench
from tinybert.measure.evaluate import evaluate
from tinybert.measure.guess import constant_guess
from tinybert.progress import Progress, ProgressCallback, silent
from tinybert.recipe import Recipe, Step
from tinybert.report.build import build_report
from tinybert.report.card import model_card
from tinybert.runtime.config import max_positions
from tinybert.runtime.load import open_artifact
from tinybert.tasks.base import Examples
from tinybert.torch_model import load_torch
from tinybert.workspace import StepFolders, Stopwatch, exclusive

logger = logging.getLogger(__name__)

QUANTIZED = "_quantized"
"""What transformers.js, and so this layout, adds to the name of an int8 file."""

LATENCY_LENGTH = 128
"""Tokens of the input that report.json times, unless the model takes fewer."""


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
    start()
    inputs = read_inputs(recipe)
    with exclusive(Path(out)):
        return _Run(recipe, inputs, Path(out), progress).run(fresh)


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
        self.train = inputs.train
        self.quantize: Step | None = None

    def run(self, fresh: bool) -> Result:
        if fresh:
            self.folders.clear()
        done = []
        for step in self.recipe.steps:
            if step.kind.works_on == "artifact":
                self.quantize = step
            elif step.kind.works_on == "rows":
                done.append(self._make_rows(step))
            else:
                done.append(self._step(step))
        artifacts = self.folders.run("export", self._export_settings(), self._export)
        measured = self.folders.run("measure", {}, lambda folder: self._measure(artifacts, folder))
        # The other processes of the run have the report too, but leave OUT to the first.
        measurements = json.loads((measured / "measurements.json").read_text(encoding="utf-8"))
        report = build_report(
            measurements, self.inputs.task, len(self.inputs.eval), done, self.recipe.resolved()
        )
        if is_main():
            self._publish(artifacts, report)
        wait_for_all()
        return Result(self.out, report)

    def _step(self, step: Step) -> dict[str, Any]:
        settings = step.config.model_dump()
        if is_main() and not self.folders.is_done(step.name, settings):
            # From here on OUT is no longer the finished run that it may have been.
            remove(self.out / "report.json")
            if step.name == "student":
                self._check_teacher()
        folder = self.folders.run(
            step.name, settings, lambda work: self._work(step, work), together=step.kind.trains
        )
        if step.name == "student":
            self.teacher = self.model
        self.model = folder / "model"
        return json.loads((folder / "step.json").read_text(encoding="utf-8"))

    def _check_teacher(self) -> None:
        """Warns of a teacher that has nothing to teach, the most common mistake."""
        metric, rows = self.inputs.task.metric, self.inputs.eval
        reached = evaluate(load_torch(self.model), rows)["metric"]
        guess = constant_guess(self.inputs.task, rows)
        if reached <= guess:
            logger.warning(
                "the teacher's %s is %.4f on %s, no better than always giving one answer (%.4f): "
                "was it fine-tuned for this task?",
                metric,
                reached,
                rows.source,
                guess,
            )

    def _make_rows(self, step: Step) -> dict[str, Any]:
        """A step that makes texts; those after it learn from them."""

        def work(folder: Path) -> None:
            watch = Stopwatch(folder / "seconds.txt")
            set_seed(self.recipe.seed)
            model = load_model(self.model, self.inputs.task)
            texts = step.kind.load()(step.config, model, self._context(folder, watch))
            if not texts:
                raise InputError(f"{step.name}: made no rows; its settings leave no room for text")
            write_json(folder / "rows.json", texts)
            summary = {"name": step.name, "seconds": round(watch.seconds, 1), "rows": len(texts)}
            write_json(folder / "step.json", summary)
            remove(folder / "seconds.txt")

        folder = self.folders.run(step.name, step.config.model_dump(), work)
        rows = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
        texts = [tuple(row) if isinstance(row, list) else row for row in rows]
        self.train = Examples(texts, None, str(folder / "rows.json"))
        return json.loads((folder / "step.json").read_text(encoding="utf-8"))

    def _work(self, step: Step, folder: Path) -> None:
        watch = Stopwatch(folder / "seconds.txt")
        # A run that was killed while it cleaned up has its model, and perhaps half a checkpoint.
        made = (folder / "model").exists()
        if not (agree(made) if step.kind.trains else made):
            self._make_model(step, folder, watch)
        if not is_main():
            return
        seconds = watch.seconds
        model = load_torch(folder / "model")
        facts = model.facts()
        summary = {
            "name": step.name,
            "seconds": round(seconds, 1),
            "metric": evaluate(model, self.inputs.eval)["metric"],
            "parameters": facts.parameters,
            "bytes": facts.bytes,
        }
        write_json(folder / "step.json", summary)
        remove(folder / "checkpoints")
        remove(folder / "seconds.txt")

    def _make_model(self, step: Step, folder: Path, watch: Stopwatch) -> None:
        task = self.inputs.task
        set_seed(self.recipe.seed)
        model = load_model(self.model, task, new_head=step.name == "finetune")
        context = self._context(folder, watch, self._load_teacher(step))
        context.progress(Progress(step.name, 0, 1))
        model = step.kind.load()(step.config, model, context)
        if is_main():
            save_model(model, self.tokenizer, folder / "model")

    def _context(
        self, folder: Path, watch: Stopwatch, teacher: PreTrainedModel | None = None
    ) -> Context:
        def report(progress: Progress) -> None:
            watch.tick()
            self.progress(progress)

        return Context(
            task=self.inputs.task,
            train=self.train or Examples([], None, "no rows yet"),
            tokenizer=self.tokenizer,
            max_length=self.recipe.data.max_length,
            seed=self.recipe.seed,
            folder=folder / "checkpoints",
            teacher=teacher,
            unlabeled=tuple(self.recipe.data.unlabeled),
            progress=report if is_main() else silent,
        )

    def _load_teacher(self, step: Step) -> PreTrainedModel | None:
        """The model that a step learns from; None before `student`."""
        if step.name == "general-distill":
            # Its encoder alone matters: an un-fine-tuned teacher has no head for the task.
            folder = find_folder(step.config.teacher or str(self.inputs.teacher))
            if step.config.prediction:
                return load_masked_lm(folder)
            return load_model(folder, self.inputs.task, new_head=True)
        return None if self.teacher is None else load_model(self.teacher, self.inputs.task)

    def _export_settings(self) -> list[Any]:
        quantize = None if self.quantize is None else self.quantize.config.model_dump()
        return [list(self.recipe.export), quantize]

    def _export(self, folder: Path) -> None:
        """Writes folder/model, laid out as OUT will be, and folder/teacher for comparison."""
        self.progress(Progress("export", 0, 1))
        remove(self.out / "report.json")
        for name, source in (("model", self.model), ("teacher", self.teacher or self.model)):
            model = load_model(source, self.inputs.task)
            paths = export(model, self.tokenizer, folder / name, self.recipe.export)
            if name == "model" and self.quantize is not None:
                for path in paths.values():
                    target = path.with_stem(path.stem + QUANTIZED)
                    self.quantize.kind.load()(path, target, self.quantize.config)
        self.progress(Progress("export", 1, 1))

    def _measure(self, artifacts: Path, folder: Path) -> None:
        """Measures teacher and artifacts on the evaluation split, then their cost side by side."""
        teacher_folder = self.teacher or self.model
        student = load_torch(self.model)
        expected = student.logits(self.inputs.eval.texts)
        paths = _artifact_paths(artifacts / "model")
        scores, total = [], len(paths) + 2
        for done, path in enumerate(paths):
            self.progress(Progress("measure", done, total))
            artifact = open_artifact(artifacts / "model" / path, threads=None)
            parity = check_parity(artifact, self.inputs.eval.texts, np.asarray(expected))
            scores.append({"path": path, **evaluate(artifact, self.inputs.eval), "parity": parity})
        self.progress(Progress("measure", total - 2, total))
        teacher = evaluate(load_torch(teacher_folder), self.inputs.eval)
        self.progress(Progress("measure", total - 1, total))
        teacher_onnx = artifacts / "teacher" / TARGETS["onnx"].path
        files = [teacher_folder, teacher_onnx, *(artifacts / "model" / path for path in paths)]
        names = [str(file) for file in files]
        length = min(LATENCY_LENGTH, max_positions(student.config) or LATENCY_LENGTH)
        measurements = {
            "teacher": teacher,
            "artifacts": scores,
            "single": bench(names, length=length).as_json(),
            "batch": bench(names, length=length, batch=8, repeats=20).as_json(),
        }
        write_json(folder / "measurements.json", measurements)
        self.progress(Progress("measure", total, total))

    def _publish(self, artifacts: Path, report: dict[str, Any]) -> None:
        """Puts the results where users look for them; report.json, the last, says all is there."""
        target = self.out / "report.json"
        if target.exists() and json.loads(target.read_text(encoding="utf-8")) == report:
            return
        remove(target)
        write_text(self.out / "recipe.yaml", self.recipe.to_yaml())
        with atomic_path(self.out / "student") as temporary:
            shutil.copytree(self.model, temporary)
        for item in sorted((artifacts / "model").iterdir()):
            with atomic_path(self.out / item.name) as temporary:
                (shutil.copytree if item.is_dir() else shutil.copy)(item, temporary)
        write_text(self.out / "README.md", model_card(report, self.recipe))
        write_json(target, report)


def _artifact_paths(folder: Path) -> list[str]:
    """The artifacts below an exported folder, as report.json names them."""
    patterns = {Path(target.path).suffix for target in TARGETS.values()}
    found = [file for file in sorted(folder.rglob("*")) if file.suffix in patterns]
    return [file.relative_to(folder).as_posix() for file in found]
