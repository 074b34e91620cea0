"""The interface of all export targets, and the list of them."""

import importlib
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tinybert.errors import InputError, missing_extra
from tinybert.export.parity import self_check
from tinybert.files import atomic_path
from tinybert.runtime.checksums import note_checksums
from tinybert.runtime.load import open_artifact


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


# A target is one file of this package and one line here.
TARGETS: dict[str, Target] = {
    "onnx": Target("tinybert.export.onnx", "onnx/model.onnx", ("onnx", "onnxscript"), "train"),
    "openvino": Target(
        "tinybert.export.openvino",
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
        raise InputError(f"export: no target {name!r}; there are: {', '.join(TARGETS)}")
    for package in target.packages:
        if importlib.util.find_spec(package) is None:
            raise missing_extra(package, target.extra, f"to export to {name}")
    return target


def export(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    out: Path,
    targets: Iterable[str] = ("onnx",),
) -> dict[str, Path]:
    """Writes a model with a head in every target's format, and checks each file against the model.

    Beside the artifacts, `out` gets the config.json, tokenizer.json, tokenizer_config.json and
    checksums.json that their runtime reads.

    Args:
        model: A BERT-family encoder with a head whose output is called logits.
        tokenizer: Its fast tokenizer; its `model_max_length` is where the runtime cuts texts.
        out: The output folder.
        targets: Names of `TARGETS`.

    Returns:
        The artifact of each target.

    Raises:
        InputError: A target is unknown or needs a package that is not installed.
        RuntimeError: An artifact does not compute what the model computes.

    Example:
        >>> export(model, tokenizer, Path("out"))  # doctest: +SKIP
        {'onnx': PosixPath('out/onnx/model.onnx')}
    """
    found = {name: find_target(name) for name in targets}
    model.config.save_pretrained(out)
    tokenizer.save_pretrained(out)
    artifacts = {}
    for name, target in found.items():
        path = out / target.path
        with atomic_path(path, target.beside) as temporary:
            importlib.import_module(target.module).convert(model, tokenizer, temporary)
        files = [path, *(path.with_suffix(suffix) for suffix in target.beside)]
        note_checksums(out, files)
        self_check(open_artifact(path, threads=None), model)
        artifacts[name] = path
    return artifacts
