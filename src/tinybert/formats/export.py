"""Trained models to files in the formats that are asked for, each checked against the model."""

from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from tinybert.base.errors import InputError
from tinybert.base.files import atomic_path
from tinybert.families import find_family
from tinybert.formats.load import open_artifact
from tinybert.formats.parity import self_check
from tinybert.formats.registry import find_format
from tinybert.modeling.load import check_tables, known_task
from tinybert.modeling.tokenizer import save_tokenizer

SETTINGS = (
    *("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
    *("vocab.txt", "vocab.json", "merges.txt"),
)
"""What an export may write beside the artifacts."""

_LARGEST = 2**31 - 2**20  # bytes of a protobuf message, with some room for the graph


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
    if _writes_texts(model.config) and not _reads_texts(model):
        raise InputError(
            f"{type(model).__name__} is of the type {model.config.model_type}, which writes texts; "
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
            f"{type(model).__name__} gives no logits; supported are models with a head for "
            "sequences or tokens"
        )


def check_tokenizer(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuses ids that the model has no row for, and padding that its head would read."""
    task = known_task(model.config.to_dict())
    pair = task is not None and task.joins_pairs
    check_tables(model, tokenizer, type(model).__name__, pair=pair)


def _reads_texts(model: PreTrainedModel) -> bool:
    """Whether a model of a causal family has a head for whole texts or for their tokens."""
    family = find_family(model.config.model_type)
    kind = type(model).__name__
    return family is not None and any(kind.endswith(head) for head in family.heads)


def _writes_texts(config: PretrainedConfig) -> bool:
    """Whether a model looks back only, as GPT-2 does, or has a part that does."""
    causal = type(config) in MODEL_FOR_CAUSAL_LM_MAPPING
    masked = type(config) in MODEL_FOR_MASKED_LM_MAPPING
    return bool(config.is_encoder_decoder) or (causal and not masked)


def write_artifacts(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    targets: Iterable[str],
    checked: Callable[[str, float], object] = lambda *_: None,
) -> dict[str, Path]:
    """What `export` does, into a folder that is the caller's own: there is no manifest."""
    found = {name: find_format(name) for name in targets}
    check_exportable(model)
    check_tokenizer(model, tokenizer)
    if not model.config.architectures:  # noted only when a model is saved; it tells the task
        model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)
    save_tokenizer(tokenizer, folder)
    paths = {name: folder / target.path for name, target in found.items()}
    for name, target in found.items():
        with atomic_path(paths[name], target.beside) as temporary:
            target.load("convert").convert(model, tokenizer, temporary)
        checked(name, self_check(open_artifact(paths[name], threads=None), model))
    return paths
