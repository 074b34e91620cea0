"""Does an artifact compute what the PyTorch model computes?"""

import logging
import math
from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from tinybert.base.processor import sums_saturate
from tinybert.formats.registry import FORMATS
from tinybert.modeling.parts import input_names, window_of
from tinybert.modeling.selection import selection_of
from tinybert.modeling.shape import SHAPE_KEY
from tinybert.runtime.config import max_positions
from tinybert.runtime.model import Model
from tinybert.runtime.text import Features
from tinybert.steps.quantize.note import QUANTIZATION_KEY
from tinybert.tasks.outputs import Outputs, logits_of
from tinybert.tasks.part import output_names, saved_parts
from tinybert.tasks.task import Row, Text

logger = logging.getLogger(__name__)

FP32_TOLERANCE = 1e-3
"""The most that a logit of an fp32 artifact may differ; rounding alone gives about 1e-5.

It is a share of the largest logit where that is above 1, as values of a regression may be.
"""

SELECTED_ROWS = 0.99
"""The share of rows that must be so where a model selects tokens: of two with all but equal
scores, rounding decides which one stays."""

LOW_AGREEMENT = 0.95
"""Below it, a quantized artifact gets a warning."""

_SHAPES = ((1, 1), (1, 7), (3, 16))
_PAST_WINDOW = 8
"""Tokens more than a local layer's window, which are enough to see where it ends."""


class Parity(TypedDict):
    """How near an artifact is to the PyTorch model, as report.json has it."""

    max_abs_diff: float
    agreement: float


def check_parity(
    artifact: Model,
    rows: Sequence[Text | Row],
    expected: Outputs,
    outputs: Outputs | None = None,
    *,
    name: str | None = None,
) -> Parity:
    """Compares an artifact, run by its own runtime, with the model's logits on real rows.

    Args:
        artifact: The loaded artifact.
        rows: The rows.
        expected: What the PyTorch model gives for them.
        outputs: The artifact's, where they are known already.
        name: What messages call the artifact; default: its path.

    Returns:
        The largest difference of a logit, and the share of positions with the same answer; where
        a model answers each row once, that is a share of rows.

    Raises:
        RuntimeError: An fp32 artifact differs by more than `FP32_TOLERANCE`.
    """
    name = name or str(artifact.path)
    outputs = artifact.outputs(rows) if outputs is None else outputs
    wanted = expected.logits
    differences = np.abs(outputs.logits - wanted).max(axis=-1, initial=0.0)
    agree, answers = artifact.task.agreement(outputs, expected).sum(axis=0)
    parity = Parity(
        max_abs_diff=float(differences.max(initial=0.0)),
        agreement=float(agree / answers),
    )
    if artifact.facts().precision == "fp32":
        selects = "selection" in artifact.config.get(SHAPE_KEY, {})
        counted = np.sort(differences)[: math.ceil(SELECTED_ROWS * len(differences))]
        worst = (counted if selects else differences).max(initial=0.0)
        _require_equal(name, float(worst), wanted)
    elif parity["agreement"] < LOW_AGREEMENT:
        logger.warning(
            "%s answers as the PyTorch model does on %.1f%% of %d rows only%s",
            name,
            100 * parity["agreement"],
            len(rows),
            _advice(artifact),
        )
    return parity


def self_check(artifact: Model, model: PreTrainedModel) -> float:
    """Compares an fp32 artifact with its model on random tokens: several shapes, padded rows.

    Returns:
        The largest difference of a logit.

    Raises:
        RuntimeError: A logit differs by more than `FP32_TOLERANCE`.
    """
    generator = np.random.default_rng(0)
    parameters = input_names(model)
    parts = output_names(part["name"] for part, _ in saved_parts(artifact.config))
    training, largest = model.training, 0.0
    model.eval()
    longest = max_positions(model.config.to_dict()) or max(length for _, length in _SHAPES)
    selection = selection_of(model)
    longer = ((2, 2 * selection.positions + 1),) if selection else ()
    if window := window_of(model):
        longer = ((1, window + _PAST_WINDOW),)
    for rows, length in (*_SHAPES, *longer):
        shape = rows, min(length, longest)
        features = _random_features(generator, shape, model.config.vocab_size)
        tensors = {
            name: torch.from_numpy(values).to(model.device)
            for name, values in features.items()
            if name in parameters
        }
        with torch.inference_mode():
            expected = model(**tensors).logits.float().cpu().numpy()
        given = logits_of(artifact.forward(features), parts)
        if given.ndim == 3:  # what a head for tokens says of padding is nothing
            real = features["attention_mask"].astype(bool)
            given, expected = given[real], expected[real]
        difference = _difference(given, expected)
        _require_equal(str(artifact.path), difference, expected)
        largest = max(largest, difference)
    model.train(training)
    return largest


def _advice(artifact: Model) -> str:
    """What may be at fault where an int8 file runs on a CPU without VNNI."""
    reduced = artifact.config.get(QUANTIZATION_KEY, {}).get("reduce_range", False)
    if reduced or not FORMATS[artifact.format].saturates or not sums_saturate():
        return ""
    return (
        f"; this CPU has no VNNI, where sums of int8 products saturate in {artifact.format} "
        "files: try `quantize: {reduce_range: true}`"
    )


def _random_features(
    generator: np.random.Generator, shape: tuple[int, int], vocabulary: int
) -> Features:
    lengths = np.linspace(shape[1], (shape[1] + 1) // 2, shape[0]).astype(np.int64)
    mask = (np.arange(shape[1]) < lengths[:, None]).astype(np.int64)
    return {
        "input_ids": generator.integers(0, vocabulary, shape),
        "attention_mask": mask,
        "token_type_ids": np.zeros(shape, dtype=np.int64),
    }


def _difference(logits: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    return float(np.max(np.abs(logits - expected), initial=0.0))


def _require_equal(name: str, difference: float, expected: NDArray[np.float32]) -> None:
    tolerance = FP32_TOLERANCE * max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    if not difference <= tolerance:  # so written, NaN fails as well
        raise RuntimeError(
            f"{name}: its logits differ from the PyTorch model's by {difference:.2g}, "
            f"more than {tolerance:.2g}; the export is at fault"
        )
