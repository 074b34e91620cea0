"""What a run ends in: artifacts, measurements, and what report.json says."""

import json
from functools import partial
from pathlib import Path
from typing import Any

from tinybert.base.files import write_json
from tinybert.base.progress import Progress
from tinybert.measure.baseline import baseline
from tinybert.measure.held_out import HeldOut, hold_out
from tinybert.modeling.distributed import is_main, wait_for_all
from tinybert.modeling.load import load_model, save_model
from tinybert.output.publication import withdraw
from tinybert.report.build import build_report
from tinybert.report.publish import REPORT, publish
from tinybert.run.artifacts import export_both, measure
from tinybert.run.calibrate import task_of
from tinybert.run.state import Run, State
from tinybert.run.step import SECONDS, export_settings, make_context
from tinybert.run.workspace import Stopwatch
from tinybert.tasks.task import Examples
from tinybert.training.calibration import sample_texts

MEASUREMENTS = {"version": 3}
"""The version of what measurements.json holds: what older code wrote is measured anew."""


def finish(run: Run, state: State) -> dict[str, Any]:
    """Exports the model, measures the files and publishes them; the content of report.json."""
    artifacts = run.folders.run(
        "export", export_settings(run), lambda folder: _export(run, state, folder)
    )
    run.report_end("export")
    measured = run.folders.run(
        "measure", MEASUREMENTS, lambda folder: _measure(run, state, artifacts, folder)
    )
    run.report_end("measure")
    # The other processes of the run have the report too, but leave OUT to the first.
    measurements = json.loads((measured / "measurements.json").read_text(encoding="utf-8"))
    inputs = run.inputs
    student = _student(state, artifacts)
    report = build_report(
        measurements,
        task_of(run, student),
        len(inputs.eval),
        list(state.done),
        run.recipe.resolved(),
    )
    if is_main():
        publish(run.out, student, artifacts / "model", report, run.recipe)
    wait_for_all()
    return report


def _export(run: Run, state: State, folder: Path) -> None:
    run.report(Progress("export", 0, 1))
    withdraw(run.out, REPORT)
    if state.model == run.inputs.teacher:
        # No step has made it: its tokenizer would cut texts elsewhere than the artifacts do.
        model = load_model(state.model, task_of(run, state.model))
        save_model(model, state.tokenizer, folder / "student")
    export_both(
        state.model,
        state.teacher or state.model,
        folder,
        task_of=partial(task_of, run),
        max_length=run.recipe.data.max_length,
        targets=run.recipe.export,
        quantize=run.quantize,
    )


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
        state.teacher or state.model,
        partial(task_of, run),
        run.recipe.data.max_length,
        run.inputs.eval,
        _held_out(run, state, folder),
        run.report,
    )
    task = task_of(run, state.teacher or state.model)
    measurements["baseline"] = baseline(task, run.inputs.train, run.inputs.eval)
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
