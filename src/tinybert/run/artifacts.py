"""The files that a run ends in: exported, then measured through their own runtimes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tinybert.base.files import remove
from tinybert.base.progress import Progress, ProgressCallback
from tinybert.distillation.distance import distance
from tinybert.formats.export import write_artifacts
from tinybert.formats.load import deployed_files, open_artifact
from tinybert.formats.parity import check_parity
from tinybert.formats.quantize import quantize_artifact
from tinybert.formats.registry import FORMATS, QUANTIZED, format_of
from tinybert.measure.bench import bench
from tinybert.measure.compare import compare
from tinybert.measure.evaluate import score
from tinybert.measure.held_out import HeldOut
from tinybert.measure.side_by_side import in_turn
from tinybert.modeling.load import load_model, load_tokenizer
from tinybert.modeling.pretrained import load_config
from tinybert.modeling.side_by_side import open_teachers
from tinybert.modeling.torch_model import load_torch
from tinybert.runtime.config import max_positions
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.quantize.step import assume_ranges
from tinybert.tasks.task import Examples, Task

LATENCY_LENGTH = 128
"""Tokens of the input that report.json times, unless the model takes fewer."""


def export_both(
    model: Path,
    teachers: Sequence[tuple[Path, Task]],
    folder: Path,
    *,
    task_of: Callable[[Path], Task],
    max_length: int,
    targets: Sequence[str],
    quantize: QuantizeConfig | None,
) -> None:
    """Writes folder/model, laid out as OUT will be, and folder/teacher for comparison.

    Args:
        model: The finished student, a Hugging Face directory.
        teachers: What it is compared with: a model, or of several tasks one each.
        folder: Where to write.
        task_of: The task of a model, with its own thresholds.
        max_length: Tokens that their runtimes cut texts to.
        targets: The formats of the student; the teacher's is ONNX.
        quantize: How the recipe quantizes, if it does.
    """
    export_one(
        model,
        folder / "model",
        task=task_of(model),
        max_length=max_length,
        targets=targets,
        quantize=quantize,
    )
    for (teacher, task), own in zip(teachers, teacher_folders(folder, len(teachers)), strict=True):
        export_one(teacher, own, task=task, max_length=max_length, targets=["onnx"], quantize=None)


def teacher_folders(folder: Path, count: int) -> list[Path]:
    """Where `export_both` writes so many teachers."""
    if count == 1:
        return [folder / "teacher"]
    return [folder / "teacher" / str(number) for number in range(count)]


def export_one(
    source: Path,
    folder: Path,
    *,
    task: Task,
    max_length: int,
    targets: Sequence[str],
    quantize: QuantizeConfig | None,
) -> None:
    """Writes a model in some formats, and their quantized forms.

    Args:
        source: A Hugging Face directory.
        folder: Where to write; what is there is removed.
        task: Of the model.
        max_length: Tokens that their runtimes cut texts to.
        targets: The formats.
        quantize: How the recipe quantizes, if it does.
    """
    remove(folder)  # what an export that was killed left behind
    model, tokenizer = load_model(source, task), load_tokenizer(source, max_length)
    for path in write_artifacts(model, tokenizer, folder, targets).values():
        if quantize is not None:
            _quantize(path, quantize)


def measure(
    artifacts: Path,
    model: Path,
    unquantized: Path | None,
    teachers: Sequence[Path],
    task_of: Callable[[Path], Task],
    max_length: int,
    rows: Examples,
    held_out: HeldOut,
    progress: ProgressCallback,
) -> dict[str, Any]:
    """Measures teacher and artifacts on the evaluation split, then their cost side by side.

    Args:
        artifacts: What `export_both` wrote.
        model: The student, a Hugging Face directory.
        unquantized: What the student was before it was quantized, likewise: what quantized
            artifacts are compared with. None where the recipe does not quantize.
        teachers: The teacher, likewise, or that of each of several tasks.
        task_of: The task of a model, with its own thresholds; a teacher that was made elsewhere
            may know of other metrics.
        max_length: Tokens that all of them cut texts to; the teacher's tokenizer may say more.
        rows: The whole evaluation split.
        held_out: Training rows on which quantized artifacts are compared as well.
        progress: Called as the work goes on.
    """
    paths = artifact_paths(artifacts / "model")
    scores, total = [], len(paths) + 2
    progress(Progress("measure", 0, total))
    student = load_torch(model)
    expected = student.outputs(rows.rows)
    # Of several tasks each teacher knows its own; the student knows all.
    whole_teacher = teachers[0] if len(teachers) == 1 else model
    task, teacher_task = task_of(model), task_of(whole_teacher)
    teacher_config = load_config(whole_teacher)
    whole_task = task if unquantized is None else task_of(unquantized)
    assert rows.labels is not None, "`read_inputs` reads them with labels"
    taught = open_teachers(teachers, max_length).outputs(rows.rows)
    whole, whole_held_out = expected, None
    if unquantized is not None:
        fp32 = student if unquantized == model else load_torch(unquantized, max_length=max_length)
        whole = expected if fp32 is student else fp32.outputs(rows.rows)
        whole_held_out = fp32.outputs(held_out.rows.rows) if len(held_out.rows) else None
    for done, path in enumerate(paths):
        progress(Progress("measure", done + 1, total))
        artifact = open_artifact(artifacts / "model" / path, threads=None)
        given = artifact.outputs(rows.rows)
        found = {
            "path": path,
            "bytes_deployed": sum(
                file.stat().st_size for file in deployed_files(artifacts / "model" / path)
            ),
            **score(given, rows.labels, task),
            "distance": distance(teacher_config, task.compared(given), task.compared(taught)),
            "parity": check_parity(artifact, rows.rows, expected.logits, given, name=path),
            "of_teacher": compare(task, given, taught, rows.labels, teacher_task),
            "of_student": None,
        }
        if unquantized is not None and artifact.facts().precision != "fp32":
            train = None
            if whole_held_out is not None:
                again = artifact.outputs(held_out.rows.rows)
                train = compare(task, again, whole_held_out, held_out.rows.labels, whole_task)
            found["of_student"] = {
                "eval": compare(task, given, whole, rows.labels, whole_task),
                "train": train,
                "learned": held_out.learned,
            }
        scores.append(found)
    progress(Progress("measure", total - 1, total))
    exported = [
        folder / FORMATS["onnx"].path for folder in teacher_folders(artifacts, len(teachers))
    ]
    files = [*teachers, *exported, *(artifacts / "model" / path for path in paths)]
    names = [str(file) for file in files]
    length = min(LATENCY_LENGTH, max_positions(student.config) or LATENCY_LENGTH)
    measurements = {
        "teacher": score(taught, rows.labels, teacher_task),
        "artifacts": scores,
        # The report says whether the machine was busy.
        "single": _costs(names, len(teachers), length=length),
        "batch": _costs(names, len(teachers), length=length, batch=8, repeats=20),
    }
    progress(Progress("measure", total, total))
    return measurements


def _costs(names: Sequence[str], teachers: int, **options: int) -> dict[str, Any]:
    """What the teacher costs, as it is and as ONNX, and then each file; of several teachers all."""
    found = bench(names, warns=False, **options).as_json()
    models, batch = found["models"], found["batch"]
    whole = [in_turn(models[at : at + teachers], batch) for at in (0, teachers)]
    return {**found, "models": [*whole, *models[2 * teachers :]]}


def latencies(
    models: Sequence[PreTrainedModel],
    tokenizer: PreTrainedTokenizerBase,
    target: str,
    quantize: QuantizeConfig | None,
) -> list[float]:
    """Median milliseconds of one row, of the file that each model would end in.

    Args:
        models: They need not be trained. Their configs are written in.
        tokenizer: Of all of them.
        target: The format.
        quantize: How the recipe quantizes, if it does.
    """
    files = []
    with TemporaryDirectory() as folder:
        for number, model in enumerate(models):
            if quantize is not None:
                assume_ranges(quantize, model)
            path = write_artifacts(model, tokenizer, Path(folder, str(number)), [target])[target]
            if quantize is not None:
                path = _quantize(path, quantize)[0]
            files.append(str(path))
        length = min(max_positions(model.config.to_dict()) or LATENCY_LENGTH for model in models)
        result = bench(files, length=min(length, LATENCY_LENGTH))
    return [model.latency_ms for model in result.models]


def _quantize(source: Path, quantize: QuantizeConfig) -> list[Path]:
    """Writes the quantized form beside a file; the files written, what is loaded first."""
    target = source.with_stem(source.stem + QUANTIZED)
    return quantize_artifact(source, target, quantize)


def artifact_paths(folder: Path) -> list[str]:
    """The artifacts below an exported folder, as report.json names them."""
    found = [file for file in sorted(folder.rglob("*")) if format_of(file) is not None]
    return [file.relative_to(folder).as_posix() for file in found]
