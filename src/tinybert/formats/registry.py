"""Every format that models are exported to: one folder of this package, and one line here."""

import importlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinybert.base.errors import InputError, missing_extra, short

QUANTIZED = "_quantized"
"""What transformers.js, and so our layout, adds to the name of a quantized file."""


@dataclass(frozen=True)
class Format:
    """A format that models are exported to, quantized in and run from.

    What it does lies in four modules of its folder, which are imported when they are used:

    - `convert.convert(model, tokenizer, path)` writes the fp32 artifact to `path`, and files beside
      it to `path` + their suffixes;
    - `run.open_model(path, threads, files)` gives the `Model` that runs an artifact, without
      PyTorch;
    - `weights.read_weights(path)` and `weights.read_raw(path)` tell what an artifact holds, without
      its runtime;
    - `quantize.quantize(source, target, config, note)` writes the quantized form of an fp32
      artifact; `quantize.check(config)` refuses settings that the format can't have.

    Attributes:
        package: The folder, as a dotted name.
        path: Of the artifact, below the output folder; its suffix tells the format.
        packages: What has to be installed beside PyTorch and Transformers to write it.
        extra: The extra of this package that brings them.
        runtime: The package that runs it.
        beside: Suffixes of files that belong to the artifact and lie beside it.
        saturates: Whether its sums of int8 products may overflow on a CPU without VNNI, where
            weights of 7 bits (`reduce_range: true`) are the way out.
    """

    package: str
    path: str
    packages: tuple[str, ...]
    extra: str
    runtime: str
    beside: tuple[str, ...] = ()
    saturates: bool = False

    @property
    def suffix(self) -> str:
        """The suffix of its artifacts."""
        return Path(self.path).suffix

    @property
    def quantized(self) -> str:
        """The path of the quantized artifact.

        Example:
            >>> FORMATS["onnx"].quantized
            'onnx/model_quantized.onnx'
        """
        path = Path(self.path)
        return path.with_stem(path.stem + QUANTIZED).as_posix()

    def files(self, artifact: Path) -> list[Path]:
        """An artifact and the files that belong to it."""
        return [artifact, *(artifact.with_suffix(suffix) for suffix in self.beside)]

    def load(self, name: str) -> Any:
        """Imports one of the four modules, such as "run"."""
        return importlib.import_module(f"{self.package}.{name}")


FORMATS: dict[str, Format] = {
    "onnx": Format(
        *("tinybert.formats.onnx", "onnx/model.onnx", ("onnx", "onnxscript"), "train"),
        runtime="onnxruntime",
    ),
    "openvino": Format(
        *("tinybert.formats.openvino", "openvino/model.xml"),
        *(("openvino", "onnx", "onnxscript"), "openvino"),
        runtime="openvino",
        beside=(".bin",),
        saturates=True,
    ),
}

USUAL_ARTIFACTS = tuple(path for each in FORMATS.values() for path in (each.quantized, each.path))
"""What a folder without a report.json is looked through for; transformers.js loads the first."""


def find_format(name: str) -> Format:
    """The format of that name, with all installed that it needs to be written.

    Raises:
        InputError: There is no such format, or a package it needs is missing.

    Example:
        >>> find_format("onnx").path
        'onnx/model.onnx'
    """
    found = FORMATS.get(name)
    if found is None:
        raise InputError(f"export: no target {short(name)}; there are: {', '.join(FORMATS)}")
    for package in found.packages:
        if importlib.util.find_spec(package) is None:
            raise missing_extra(package, found.extra, f"to export to {name}")
    return found


def format_of(path: Path) -> str | None:
    """The name of the format that a file's suffix tells; None where it is no artifact's.

    Example:
        >>> format_of(Path("model.xml")), format_of(Path("model.safetensors"))
        ('openvino', None)
    """
    return next((name for name, each in FORMATS.items() if each.suffix == path.suffix), None)


def artifact_format(path: Path) -> Format:
    """The format of an artifact.

    Raises:
        InputError: The file is none.
    """
    name = format_of(path)
    if name is None:
        suffixes = ", ".join(each.suffix for each in FORMATS.values())
        raise InputError(f"{path}: not an artifact; those end in {suffixes}")
    return FORMATS[name]
