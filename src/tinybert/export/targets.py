"""The interface of all export targets, and the list of them."""

import importlib
import importlib.util
import logging
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

from tinybert.claim import check_claim, claim
from tinybert.errors import InputError, missing_extra, short
from tinybert.export.parity import self_check
from tinybert.faults import writing_below
from tinybert.files import atomic_path, remove
from tinybert.huggingface import check_tables, known_task
from tinybert.publication import files_below, publish_files
from tinybert.runtime.load import open_artifact
from tinybert.workspace import exclusive

logger = logging.getLogger(__name__)

SETTINGS = (
    *("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
    *("vocab.txt", "vocab.json", "merges.txt"),
)
"""What an export may write beside the artifacts."""

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
        raise InputError(f"export: no target {short(name)}; there are: {', '.join(TARGETS)}")
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


def _check_tokenizer(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuses ids that the model has no row for."""
    task = known_task(model.config.to_dict())
    pair = task is not None and len(task.text) == 2
    check_tables(model, tokenizer, f"a {type(model).__name__}", pair=pair)


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

    Beside the artifacts, `out` gets the config.json, tokenizer.json and tokenizer_config.json that
    their runtime reads, and a manifest of all of them. What an earlier export left there is
    replaced.

    Args:
        model: A BERT-family encoder with a head whose output is called logits.
        tokenizer: Its fast tokenizer; its `model_max_length` is where the runtime cuts texts.
        out: The output folder: new, empty or of an earlier export.
        targets: Names of `TARGETS`.

    Returns:
        The artifact of each target.

    Raises:
        InputError: A target is unknown or needs a package that is not installed, the model
            can't be exported, or `out` has files of others.
        RuntimeError: An artifact does not compute what the model computes.

    Example:
        >>> export(model, tokenizer, Path("out"))  # doctest: +SKIP
        {'onnx': PosixPath('out/onnx/model.onnx')}
    """
    found = {name: find_target(name) for name in targets}
    check_claim(out, "export")
    check_exportable(model)
    _check_tokenizer(model, tokenizer)
    with writing_below(out), exclusive(out):
        claim(out, "export")
        # What was exported there before stays until all of this is known to be right.
        made = out / ".export.partial"
        remove(made)
        try:
            write_artifacts(model, tokenizer, made, targets)
            publish_files(out, files_below(made))
        finally:
            remove(made)
    return {name: out / target.path for name, target in found.items()}


def write_artifacts(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    targets: Iterable[str],
) -> dict[str, Path]:
    """What `export` does, into a folder that is the caller's own: there is no manifest."""
    found = {name: find_target(name) for name in targets}
    check_exportable(model)
    _check_tokenizer(model, tokenizer)
    if not model.config.architectures:  # noted only when a model is saved; it tells the task
        model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    paths = {name: folder / target.path for name, target in found.items()}
    for name, target in found.items():
        with atomic_path(paths[name], target.beside) as temporary:
            importlib.import_module(target.module).convert(model, tokenizer, temporary)
        self_check(open_artifact(paths[name], threads=None), model)
    return paths
