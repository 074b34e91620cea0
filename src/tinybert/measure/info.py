"""What a model is, told from its files alone: nothing is run, and PyTorch is not needed."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinybert.base.errors import InputError
from tinybert.families import Sizes, find_family
from tinybert.formats.load import find_artifact
from tinybert.formats.registry import artifact_format, format_of
from tinybert.formats.tensors import Weights
from tinybert.measure.components import by_component
from tinybert.measure.provenance import kept_words, provenance
from tinybert.measure.table import grid, threshold_words, times
from tinybert.measure.weights import stored_weights
from tinybert.measure.zeros import sparsity
from tinybert.modeling.hub import download, may_be_hub_id, weight_files
from tinybert.runtime.config import max_positions
from tinybert.runtime.config_check import check_config
from tinybert.runtime.published import PublishedFiles, read_settled
from tinybert.tasks import task_from_config

MANY_ZEROS = 0.1
"""Rounding to int8 alone sets some per cent of the weights to 0."""


def describe(name: str | Path) -> dict[str, Any]:
    """Structure, size and origin of a model.

    Args:
        name: A Hugging Face folder or hub id, an output folder of `compress` (its best artifact
            is described), or an artifact file.

    Returns:
        "path"; "format", "precision"; "model_type", "structure", None for what config.json does
        not say; "task", None for a bare encoder, else "kind", "labels" and "thresholds", None where
        none decide which labels a text has; "parameters", "parameters_without_embeddings"
        (LayerNorms are no embeddings) and "bytes"; "components", which add up to these; "zeros",
        None where few weights are 0, see `MANY_ZEROS`, else their "share" of all matrices and
        "packed_bytes", what the file would take if they were left out of it;
        "provenance", None where `compress` did not make it.

    Raises:
        InputError: There is no such model, or one of its files is missing or broken.

    Example:
        >>> describe("out")["structure"]["layers"]  # doctest: +SKIP
        4
    """
    return read_settled(Path(name), lambda files: _describe(name, files))


def _describe(name: str | Path, files: PublishedFiles) -> dict[str, Any]:
    path = _locate(name)
    if path.is_dir():
        files.check_all(path)
    else:
        files.check(path)
    config = files.read_object(_config(path))
    try:
        check_config(config)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    structure = _sizes(config) | _uneven(config)
    stored = stored_weights(path)
    components = by_component(stored, structure)
    parameters = sum(part["parameters"] for part in components.values())
    return {
        "path": str(path),
        "format": format_of(path) or "pytorch",
        "precision": stored.precision,
        "model_type": config.get("model_type"),
        "structure": {**structure, "max_positions": max_positions(config)},
        "task": _task(config),
        "parameters": parameters,
        "parameters_without_embeddings": parameters - components["embeddings"]["parameters"],
        "bytes": stored.bytes,
        "components": components,
        "zeros": _zeros(path, stored),
        "provenance": provenance(path),
    }


def _sizes(config: Mapping[str, Any]) -> dict[str, int | None]:
    """The sizes that config.json gives; None for those that it doesn't."""
    family = find_family(config.get("model_type"))
    sizes = Sizes() if family is None else family.sizes
    found: Mapping[str, Any] = {ours: config.get(theirs) for ours, theirs in sizes.names.items()}
    if found["intermediate_size"] is None and family is not None:
        with contextlib.suppress(LookupError, TypeError):
            found = sizes.read(config)
    found = {**found, "vocabulary": config.get("vocab_size")}
    return {name: size if isinstance(size, int) else None for name, size in found.items()}


def _uneven(config: Mapping[str, Any]) -> dict[str, Any]:
    """What differs from layer to layer: sizes, and how many tokens they compute."""
    noted = config.get("tinybert_shape", {})
    names = {"attention_heads": "attention_heads", "intermediate_size": "intermediate_sizes"}
    sizes = {ours: noted[theirs] for ours, theirs in names.items() if theirs in noted}
    return sizes | ({"selection": noted["selection"]} if "selection" in noted else {})


def info_text(info: Mapping[str, Any]) -> str:
    """What `describe` found, for people."""
    task, structure = info["task"], info["structure"]
    does = "a bare encoder" if task is None else ", ".join([task["kind"], *task["labels"]])
    shape = ", ".join(
        f"{_words(key)} {_number(value)}" for key, value in structure.items() if value is not None
    )
    thresholds = task and task["thresholds"]
    lines = [
        info["path"],
        f"{info['model_type']}, {info['format']} {info['precision']}; {does}",
        *([threshold_words(thresholds)] if thresholds else []),
        shape,
        f"{info['parameters']:,} parameters, "
        f"{info['parameters_without_embeddings']:,} without embeddings; "
        f"{info['bytes'] / 1e6:.2f} MB",
    ]
    rows = [
        [
            _words(key),
            f"{part['parameters']:,}",
            f"{part['bytes'] / 1e6:.2f} MB",
            f"{part['bytes'] / info['bytes']:.1%}",
        ]
        for key, part in info["components"].items()
    ]
    lines += ["", grid([["component", "parameters", "size", "share"], *rows])]
    if (zeros := info["zeros"]) is not None:
        lines += [
            "",
            f"{zeros['share']:.1%} of the weights in matrices are 0: "
            f"{zeros['packed_bytes'] / 1e6:.2f} MB if they were packed, and no faster on dense "
            "kernels",
        ]
    if (origin := info["provenance"]) is not None:
        lines += ["", *_origin_lines(origin)]
    return "\n".join(lines)


def _number(value: int | list[int] | dict[str, int]) -> str:
    if isinstance(value, dict):
        return " ".join(f"{_words(key)} {number}" for key, number in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)


def _origin_lines(origin: Mapping[str, Any]) -> list[str]:
    lines = [f"made by tinybert in {origin['folder']}"]
    if origin["teacher"]:
        steps = ", ".join(name for step in origin["steps"] or [] for name in step)
        lines.append(f"teacher: {origin['teacher']}; steps: {steps}")
    if told := [*filter(None, [kept_words(origin)]), *_ratios_in_words(origin["ratios"])]:
        best = "" if origin["file"] == origin["best"] else f"; the best file is {origin['best']}"
        lines.append(f"{origin['file']}: {', '.join(told)}{best}")
    return lines


def _ratios_in_words(ratios: Mapping[str, float | None]) -> list[str]:
    """The report's ratios to the teacher, those that it has."""
    words = {
        "smaller": ("smaller", "larger"),
        "faster": ("faster", "slower"),
        "faster_than_onnx": ("faster than it in ONNX", "slower than it in ONNX"),
        "less_memory": ("less memory", "more memory"),
    }
    known = {key: ratio for key in words if (ratio := ratios.get(key)) is not None}
    told = [times(ratio, *words[key]).strip(" ()") for key, ratio in known.items()]
    return [text for text in told if text]


def _words(key: str) -> str:
    return key.replace("_", " ")


def _locate(name: str | Path) -> Path:
    """An artifact file or a folder with PyTorch weights, as `open_model` chooses it."""
    path = Path(name)
    if not path.exists() and may_be_hub_id(str(name)):
        path = download(str(name))
    if path.is_dir() and weight_files(path) and not (path / "report.json").exists():
        return path
    file = find_artifact(path)
    artifact_format(file)
    return file


def _config(path: Path) -> Path:
    if path.is_dir():
        return path / "config.json"
    beside, above = (folder / "config.json" for folder in path.parents[:2])
    return beside if beside.is_file() else above


def _task(config: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        task = task_from_config(config)
    except InputError:  # a bare encoder, or a head that we have no task for
        return None
    labels = list(getattr(task, "labels", ()))
    found = {"kind": task.kind, "labels": labels, "thresholds": task.label_thresholds or None}
    if not task.of_parts:
        return found
    names = task.model_config()["id2label"]
    parts = {part.name: part.task.kind for part in task.parts}
    return {**found, "labels": [*names.values()], "tasks": parts}


def _zeros(path: Path, stored: Weights) -> dict[str, Any] | None:
    found = sparsity(path)
    if found["share"] <= MANY_ZEROS:
        return None
    return {
        "share": round(found["share"], 4),
        "packed_bytes": stored.bytes - found["saved_bytes"],
    }
