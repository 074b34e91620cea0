"""What a run ends in: artifacts, measurements, and what report.json says."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tinybert.base.files import write_json
from tinybert.base.progress import Progress
from tinybert.formats.registry import FORMATS
from tinybert.measure.baseline import baseline
from tinybert.measure.bench import bench
from tinybert.measure.held_out import HeldOut, hold_out
from tinybert.modeling.distributed import is_main, wait_for_all
from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.modeling.last_layer import reads_first_position
from tinybert.modeling.load import load_model, save_model
from tinybert.recipe.budget import BudgetConfig
from tinybert.report.build import build_report
from tinybert.report.publish import publish
from tinybert.run.answers import scored_task
from tinybert.run.artifacts import LATENCY_LENGTH, artifact_paths, export_both, measure
from tinybert.run.calibrate import task_of
from tinybert.run.standing import may_replace
from tinybert.run.state import Run, State
from tinybert.run.step import SECONDS, export_settings, make_context
from tinybert.run.workspace import Stopwatch
from tinybert.runtime.config import read_config
from tinybert.tasks.task import Examples, Task
from tinybert.training.calibration import sample_texts

MEASUREMENTS = {"version": 4}
"""The version of what measurements.json holds: what older code wrote is measured anew."""

USUAL_CONDITIONS = (LATENCY_LENGTH, 1, None)
"""Tokens, rows and threads of the latency that every report has."""


def finish(run: Run, state: State) -> dict[str, Any]:
    """Exports the model, measures the files and publishes them; the content of report.json."""
    artifacts = run.folders.run(
        "export", export_settings(run), lambda folder: _export(run, state, folder)
    )
    run.report_end("export")
    budget = run.recipe.budget
    conditions = _conditions(budget)
    measured = run.folders.run(
        "measure",
        MEASUREMENTS | ({"at": conditions} if conditions else {}),
        lambda folder: _measure(run, state, artifacts, folder),
    )
    run.report_end("measure")
    # The other processes of the run have the report too, but leave OUT to the first.
    measurements = json.loads((measured / "measurements.json").read_text(encoding="utf-8"))
    inputs = run.inputs
    student = _student(state, artifacts)
    report = build_report(
        *(
            measurements,
            scored_task(run, student),
            measurements["teacher"]["rows"],
            list(state.done),
            run.recipe.resolved(),
        ),
        asked=None if budget is None else budget.asked(),
        expected=_expected(run, student, [each["path"] for each in measurements["artifacts"]]),
    )
    if inputs.answered:
        report["task"]["labels"] = "teacher"
    elif inputs.softly:
        report["task"]["labels"] = "soft"
    if inputs.part_teachers:
        report["teacher"]["models"] = len(inputs.part_teachers)
    if run.data is not None:
        report["data"] = dict(run.data)
    if run.search is not None:
        report["search"] = dict(run.search)
    if is_main() and may_replace(run.out, report):
        publish(run.out, student, artifacts / "model", report, run.recipe)
    wait_for_all()
    return report


def _expected(run: Run, student: Path, paths: Sequence[str]) -> list[float] | None:
    """Milliseconds of each file on the device that the budget names, if it names one."""
    device = run.inputs.device
    if device is None:
        return None
    shape = ExpectedShape.of(read_config(student))
    first = reads_first_position(load_model(student, run.inputs.task))
    plain = {FORMATS[target].path for target in run.recipe.export}
    return [
        device.milliseconds(shape, None if path in plain else run.quantize, reads_first=first)
        for path in paths
    ]


def _conditions(budget: BudgetConfig | None) -> dict[str, Any] | None:
    """The batch whose latency and memory a budget bounds; None where the report has it anyway."""
    if budget is None or (budget.device is not None and budget.memory is None):
        return None
    if (budget.length, budget.batch, budget.threads) == USUAL_CONDITIONS:
        return None
    return {"length": budget.length, "batch": budget.batch, "threads": budget.threads}


def _export(run: Run, state: State, folder: Path) -> None:
    run.report(Progress("export", 0, 1))
    run.begin()
    if state.model == run.inputs.teacher:
        # No step has made it: its tokenizer would cut texts elsewhere than the artifacts do.
        model = load_model(state.model, task_of(run, state.model))
        save_model(model, state.tokenizer, folder / "student")
    export_both(
        state.model,
        _taught_by(run, state),
        folder,
        task_of=partial(task_of, run),
        max_length=run.recipe.data.max_length,
        targets=run.recipe.export,
        quantize=run.quantize,
    )


def _taught_by(run: Run, state: State) -> list[tuple[Path, Task]]:
    """The teachers that files are compared with, each with its task."""
    parts = zip(run.inputs.task.parts, run.inputs.part_teachers, strict=True)
    if found := [(folder, part.task) for part, folder in parts]:
        return found
    teacher = state.teacher or state.model
    return [(teacher, task_of(run, teacher))]


def _student(state: State, artifacts: Path) -> Path:
    """The model that was exported."""
    saved = artifacts / "student"
    return saved if saved.exists() else state.model


def _measure(run: Run, state: State, artifacts: Path, folder: Path) -> None:
    student = _student(state, artifacts)
    measurements = measure(
        artifacts,
        student,
        None if run.quantize is None else state.unquantized or student,
        [teacher for teacher, _ in _taught_by(run, state)],
        partial(scored_task, run),
        run.recipe.data.max_length,
        run.inputs.eval,
        _held_out(run, state, folder),
        run.report,
    )
    task = scored_task(run, state.teacher or state.model)
    measurements["baseline"] = baseline(task, run.inputs.train, run.inputs.eval)
    conditions = _conditions(run.recipe.budget)
    files = [str(artifacts / "model" / path) for path in artifact_paths(artifacts / "model")]
    measurements["asked"] = conditions and bench(files, **conditions).as_json()
    write_json(folder / "measurements.json", measurements)


def _held_out(run: Run, state: State, folder: Path) -> HeldOut:
    """Training rows that the quantization has not measured anything on."""
    rows = run.inputs.train or state.train
    if rows is None or run.quantize is None:
        return HeldOut(Examples([], None, "no training rows"))
    context = make_context(run, state, folder, Stopwatch(folder / SECONDS))
    quantize = run.quantize
    seen = sample_texts(context, quantize.calibration_rows) if quantize.measures else []
    return HeldOut(hold_out(rows, seen, run.recipe.seed), quantize.distills)
