"""Files of models with random weights, weighed and timed on this machine."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tinybert.base.cache_folder import cache_root
from tinybert.base.errors import InputError
from tinybert.base.files import hash_value, write_json
from tinybert.base.progress import Progress, ProgressCallback, silent
from tinybert.formats.export import write_artifacts
from tinybert.formats.load import deployed_files
from tinybert.formats.quantize import quantize_artifact
from tinybert.formats.registry import QUANTIZED
from tinybert.measure.bench import bench, undisturbed
from tinybert.measure.machine import describe_machine, visible_cores
from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.search.sketch import sketch
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.quantize.step import assume_ranges

REPEATS = 40
"""Runs of each file; those of all files are interleaved."""

VERSION = 1
"""The version of what is kept; figures of older code are measured anew."""

_NOT_IN_FILES = {"distill", "calibration_rows", "observe_steps", "ranges", "keep_sensitive"}
"""Settings that change which numbers a file holds, and not how many."""


@dataclass(frozen=True)
class Figures:
    """What a file of random weights was measured to be.

    Attributes:
        bytes: Of the artifact.
        deployed: Of all files that inference reads.
        ratio: Its time as a multiple of the reference's in the same run; None where nothing was
            timed.
        reference_ms: Milliseconds of the reference.
        memory_mb: The most memory of its process.
    """

    bytes: int
    deployed: int
    ratio: float | None = None
    reference_ms: float | None = None
    memory_mb: float | None = None


@dataclass(frozen=True)
class Conditions:
    """How files are timed.

    Attributes:
        length: Tokens of a row.
        batch: Rows.
        threads: That they may take.
    """

    length: int
    batch: int
    threads: int | None


@dataclass(frozen=True)
class Measurements:
    """Weighs and times shapes; what was measured once on a machine is kept there.

    Attributes:
        teacher: Whose family, head and vocabulary all shapes have.
        tokenizer: Of it.
        target: The format.
        conditions: How to time; None to weigh only.
        reference: The shape that others are compared with.
        progress: Called as files are made.
    """

    teacher: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    target: str
    conditions: Conditions | None
    reference: ExpectedShape
    progress: ProgressCallback = silent

    def of(self, shapes: Sequence[ExpectedShape], quantize: QuantizeConfig | None) -> list[Figures]:
        """The figures of each shape as a file."""
        found = {shape: self._kept(shape, quantize) for shape in shapes}
        missing = [shape for shape, figures in found.items() if figures is None]
        if missing:
            for shape, figures in zip(missing, self._measure(missing, quantize), strict=True):
                path = self._path(shape, quantize)
                path.parent.mkdir(parents=True, exist_ok=True)
                write_json(path, vars(figures))
                found[shape] = figures
        return [each for shape in shapes if (each := found[shape]) is not None]

    def _measure(
        self, shapes: Sequence[ExpectedShape], quantize: QuantizeConfig | None
    ) -> list[Figures]:
        kind = "fp32" if quantize is None else f"int{quantize.bits}"
        step = f"measure shapes, {kind}"
        with TemporaryDirectory() as folder:
            paths = []
            for number, shape in enumerate(shapes):
                self.progress(Progress(step, number, len(shapes)))
                paths.append(self._export(shape, quantize, Path(folder, str(number))))
            self.progress(Progress(step, len(shapes), len(shapes)))
            sizes = [
                (
                    paths[at].stat().st_size,
                    sum(file.stat().st_size for file in deployed_files(path)),
                )
                for at, path in enumerate(paths)
            ]
            if self.conditions is None:
                return [Figures(*size) for size in sizes]
            paths.append(self._export(self.reference, None, Path(folder, "reference")))
            result = bench(list(map(str, paths)), **vars(self.conditions), repeats=REPEATS)
        *models, reference = result.models
        return [
            Figures(
                *size,
                ratio=undisturbed(model) / undisturbed(reference),
                reference_ms=undisturbed(reference),
                memory_mb=model.peak_memory_mb,
            )
            for size, model in zip(sizes, models, strict=True)
        ]

    def _export(self, shape: ExpectedShape, quantize: QuantizeConfig | None, folder: Path) -> Path:
        model = sketch(shape, self.teacher)
        if quantize is not None:
            assume_ranges(quantize, model)
        path = write_artifacts(model, self.tokenizer, folder, [self.target])[self.target]
        if quantize is None:
            return path
        target = path.with_stem(path.stem + QUANTIZED)
        try:
            return quantize_artifact(path, target, quantize)[0]
        except InputError as error:  # it names a file that nobody has seen
            words = str(error).removeprefix(f"{path}: ")
            raise InputError(
                f"budget: a file of {self.teacher.config.model_type} {shape.hidden_size} wide "
                f"can't be quantized as the recipe asks ({words})"
            ) from None

    def _path(self, shape: ExpectedShape, quantize: QuantizeConfig | None) -> Path:
        return cache_root() / "costs" / f"{self._key(shape, quantize)}.json"

    def _key(self, shape: ExpectedShape, quantize: QuantizeConfig | None) -> str:
        teacher = self.teacher.config
        what: dict[str, Any] = {
            "version": VERSION,
            "shape": [str(value) for value in vars(shape).values()],
            "model": [type(self.teacher).__name__, teacher.num_labels, teacher.vocab_size],
            "tokenizer": len(self.tokenizer),
            "quantize": quantize and quantize.model_dump(exclude=_NOT_IN_FILES),
            "target": self.target,
        }
        if self.conditions is not None:
            threads = self.conditions.threads or visible_cores()
            what["timed"] = [vars(self.conditions), describe_machine(threads)]
        return hash_value(what)

    def _kept(self, shape: ExpectedShape, quantize: QuantizeConfig | None) -> Figures | None:
        try:
            kept: Mapping[str, Any] = json.loads(
                self._path(shape, quantize).read_text(encoding="utf-8")
            )
            return Figures(**kept)
        except (OSError, ValueError, TypeError):
            return None
