"""The interface of all export targets, and the list of them."""

import importlib
import importlib.util
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from tinybert.errors import InputError, missing_extra
from tinybert.export.parity import self_check
from tinybert.files import atomic_path, remove
from tinybert.huggingface import check_tables, known_task
from tinybert.runtime.checksums import CHECKSUMS, note_checksums
from tinybert.runtime.load import USUAL_ARTIFACTS, open_artifact

logger = logging.getLogger(__name__)

_PARTIAL = ".export.partial"
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
        InputError: The model looks back only, as decoders do, is too large for one file, or
            gives no logits.
    """
    if getattr(model.config, "is_decoder", False):
        raise InputError(
            "a model whose config.json says is_decoder can't be exported; set it to false if the "
            "model reads whole texts"
        )
    if _writes_texts(model.config):
        raise InputError(
            f"a {type(model).__name__} is a {model.config.model_type} model, which writes texts; "
            "what can be exported are encoders, which read whole texts, as BERT's family does"
        )
    size = sum(weight.numel() for weight in model.parameters()) * 4
    if size >= _LARGEST:
        raise InputError(
            f"its weights take {size / 1e9:.1f} GB as fp32, and an ONNX file holds 2.1 GB at most"
        )
    with torch.inference_mode():
        outputs = model(torch.ones(1, 2, dtype=torch.int64, device=model.device))
    if getattr(outputs, "logits", None) is None:
        raise InputError(
            f"a {type(model).__name__} gives no logits; supported are models with a head for "
            "sequences or tokens"
        )


def _writes_texts(config: PretrainedConfig) -> bool:
    """Whether a model looks back only, as GPT-2 does, or has a part that does."""
    causal = type(config) in MODEL_FOR_CAUSAL_LM_MAPPING
    masked = type(config) in MODEL_FOR_MASKED_LM_MAPPING
    return bool(config.is_encoder_decoder) or (causal and not masked)


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
    task = known_task(model.config.to_dict())
    pair = task is not None and len(task.text) == 2
    check_tables(model, tokenizer, f"a {type(model).__name__}", pair=pair)
    if not model.config.architectures:  # noted only when a model is saved; it tells the task
        model.config.architectures = [type(model).__name__]
    # What was exported there before stays until all of this is known to be right.
    made = out / _PARTIAL
    remove(made)
    try:
        model.config.save_pretrained(made)
        tokenizer.save_pretrained(made)
        for target in found.values():
            _convert(target, model, tokenizer, made)
        _remove_artifacts(out)
        _move(made, out)
    finally:
        remove(made)
    return {name: out / target.path for name, target in found.items()}


def _convert(
    target: Target, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path
) -> None:
    path = folder / target.path
    with atomic_path(path, target.beside) as temporary:
        importlib.import_module(target.module).convert(model, tokenizer, temporary)
    self_check(open_artifact(path, threads=None), model)
    note_checksums(folder, [path, *(path.with_suffix(suffix) for suffix in target.beside)])


def _move(source: Path, target: Path) -> None:
    """All files below a folder to the same places below another one."""
    for file in [path for path in source.rglob("*") if path.is_file()]:
        place = target / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(file, place)


def _remove_artifacts(out: Path) -> None:
    """Of an earlier export: with a new config.json beside them they would be another model's."""
    for name in USUAL_ARTIFACTS:
        path = out / name
        if path.exists():
            logger.warning("removing %s, which an earlier export left", path)
            for file in (path, path.with_suffix(".bin")):
                remove(file)
    remove(out / CHECKSUMS)
