"""Which part of a model its parameters and bytes are in."""

import math
import re
from collections.abc import Mapping
from typing import Any

from tinybert.families.components import component_of
from tinybert.formats.tensors import BYTES, Tensor, Weights

COMPONENTS = ("embeddings", "attention", "feed_forward", "layer_norms", "head", "other")

# What our quantizer and ONNX Runtime's add to the name of a weight.
_QUANTIZED = re.compile(r"(_rows|_columns)?(_transposed)?_(quantized|(scale|zero_point))$")


def by_component(stored: Weights, structure: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Parameters and bytes of each component; together they are those of the files.

    Scales and zero points of quantized weights count as bytes of the weight's component, not as
    parameters. `other` has what is not a weight, too: a graph and its constants, headers.

    Args:
        stored: What the files hold.
        structure: "hidden_size" and "intermediate_size", by which matrices are told that an
            export to ONNX has left without a name.
    """
    homes = {
        _base(tensor): _component(_base(tensor), tensor.shape, structure)
        for tensor in stored.tensors
        if tensor.is_parameter
    }
    found = {name: {"parameters": 0, "bytes": 0} for name in COMPONENTS}
    for tensor in stored.tensors:
        if tensor.precision is None:
            continue
        component = found[homes.get(_base(tensor), "other")]
        elements = math.prod(tensor.shape)
        component["bytes"] += math.ceil(elements * BYTES[tensor.precision])
        if tensor.is_parameter:
            component["parameters"] += elements
    found["other"]["bytes"] += stored.bytes - sum(part["bytes"] for part in found.values())
    return found


def _base(tensor: Tensor) -> str:
    """The name of a weight before it was quantized."""
    return _QUANTIZED.sub("", tensor.name)


def _component(name: str, shape: tuple[int, ...], structure: Mapping[str, Any]) -> str:
    if (component := component_of(name)) is not None:
        return component
    width, neurons = structure["hidden_size"], structure["intermediate_size"]
    if len(shape) == 2 and width in shape and width != neurons:
        return "feed_forward" if neurons in shape else "attention"
    return "other"
