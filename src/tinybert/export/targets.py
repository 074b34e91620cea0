"""The interface of all export targets, and the list of them."""

import importlib
import importlib.util
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tinybert.errors import InputError, missing_extra
from tinybert.export.parity import self_check
from tinybert.files import atomic_path, remove
from tinybert.runtime.checksums import CHECKSUMS, note_checksums
from tinybert.runtime.load import USUAL_ARTIFACTS, open_artifact

logger = logging.getLogger(__name__)

_LARGEST = 2**31 - 2**20  # bytes of a protobuf message, with some room for the graph


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


def check_exportable(model: PreTrainedModel) -> None:
    """Refuses what would fail only at the end of a run.

    Raises:
        InputError: The model looks back only, as decoders do, or is too large for one file.
    """
    if getattr(model.config, "is_decoder", False):
        raise InputError(
            "a model whose config.json says is_decoder can't be exported; set it to false if the "
            "model reads whole texts"
        )
    size = sum(weight.numel() for weight in model.parameters()) * 4
    if size >= _LARGEST:
        raise InputError(
            f"its weights take {size / 1e9:.1f} GB as fp32, and an ONNX file holds 2.1 GB at most"
        )


def export(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    out: Path,
    targets: Iterable[str] = ("onnx",),
) -> dict[str, Path]:
    """Writes a model with a head in every target's format, and checks each file against the model.

    Beside the artifacts, `out` gets the config.json, tokenizer.json, tokenizer_config.json and
    checksums.json that their runtime reads. Artifacts that an earlier export left there, whose
    config.json and tokenizer these replace, are removed.

    Args:
        model: A BERT-family encoder with a head whose output is called logits.
        tokenizer: Its fast tokenizer; its `model_max_length` is where the runtime cuts texts.
        out: The output folder.
        targets: Names of `TARGETS`.

    Returns:
        The artifact of each target.

    Raises:
        InputError: A target is unknown or needs a package that is not installed, or the model
            can't be exported.
        RuntimeError: An artifact does not compute what the model computes.

    Example:
        >>> export(model, tokenizer, Path("out"))  # doctest: +SKIP
        {'onnx': PosixPath('out/onnx/model.onnx')}
    """
    found = {name: find_target(name) for name in targets}
    check_exportable(model)
    _remove_artifacts(out)
    if not model.config.architectures:  # noted only when a model is saved; it tells the task
        model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(out)
    tokenizer.save_pretrained(out)
    artifacts = {}
    for name, target in found.items():
        path = out / target.path
        with atomic_path(path, target.beside) as temporary:
            importlib.import_module(target.module).convert(model, tokenizer, temporary)
        files = [path, *(path.with_suffix(suffix) for suffix in target.beside)]
        try:
            self_check(open_artifact(path, threads=None), model)
        except BaseException:
            for file in files:
                remove(file)
            raise
        note_checksums(out, files)
        artifacts[name] = path
    return artifacts


def _remove_artifacts(out: Path) -> None:
    """Of an earlier export: with a new config.json beside them they would be another model's."""
    for name in USUAL_ARTIFACTS:
        path = out / name
        if path.exists():
            logger.warning("removing %s, which an earlier export left", path)
            for file in (path, path.with_suffix(".bin")):
                remove(file)
    remove(out / CHECKSUMS)
