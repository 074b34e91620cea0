"""Every format that models are exported to: one folder of this package, and one line here."""

import importlib.util
from dataclasses import dataclass

from tinybert.base.errors import InputError, missing_extra, short

# What a folder without a report.json is looked through for; transformers.js loads the first.
USUAL_ARTIFACTS = (
    "onnx/model_quantized.onnx",
    "onnx/model.onnx",
    "openvino/model_quantized.xml",
    "openvino/model.xml",
)


@dataclass(frozen=True)
class Target:
    """A format that models are exported to.

    Attributes:
        module: Has `convert(model, tokenizer, path)`, which writes the fp32 artifact to `path`,
            and files beside it to `path` + their suffixes. Imported when the target is used.
        path: Of the artifact, below the output folder.
        packages: What has to be installed beside PyTorch and Transformers.
        extra: The extra of this package that brings them.
        beside: Suffixes of files that belong to the artifact and lie beside it.
    """

    module: str
    path: str
    packages: tuple[str, ...]
    extra: str
    beside: tuple[str, ...] = ()


TARGETS: dict[str, Target] = {
    "onnx": Target(
        "tinybert.formats.onnx.convert", "onnx/model.onnx", ("onnx", "onnxscript"), "train"
    ),
    "openvino": Target(
        "tinybert.formats.openvino.convert",
        "openvino/model.xml",
        ("openvino", "onnx", "onnxscript"),
        "openvino",
        beside=(".bin",),
    ),
}


def find_target(name: str) -> Target:
    """The target of that name, with all that it needs installed.

    Raises:
        InputError: There is no such target, or a package it needs is missing.

    Example:
        >>> find_target("onnx").path
        'onnx/model.onnx'
    """
    target = TARGETS.get(name)
    if target is None:
        raise InputError(f"export: no target {short(name)}; there are: {', '.join(TARGETS)}")
    for package in target.packages:
        if importlib.util.find_spec(package) is None:
            raise missing_extra(package, target.extra, f"to export to {name}")
    return target
