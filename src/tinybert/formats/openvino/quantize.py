"""Fp32 OpenVINO models to int8 ones, with the ranges that were measured or trained.

Activations are marked by FakeQuantize and weights stored as int8 with a scale an output channel:
the form that OpenVINO's CPU plugin turns into integer products when it loads the file.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError
from tinybert.base.files import atomic_path
from tinybert.formats.openvino.convert import save_ir
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.quantize.integers import LEVELS, quantize_weights, uint8_grid, worth_quantizing
from tinybert.steps.quantize.note import QuantizationNote


def quantize(source: Path, target: Path, config: QuantizeConfig, note: QuantizationNote) -> None:
    """Writes the int8 form of an fp32 OpenVINO model, both files.

    Args:
        source: The .xml of the fp32 model.
        target: The .xml to write; its .bin is written beside it.
        config: What to quantize, and how.
        note: What was found on training rows.

    Raises:
        InputError: There are no ranges of activations, weights shall have less than 8 bits, or
            the model holds no float weights.
    """
    import openvino

    check(config)
    model = openvino.Core().read_model(source)
    quantized: dict[Any, Any] = {}
    for node in model.get_ordered_ops():
        if node.get_type_name() == "MatMul":
            _linear(node, note, quantized)
            _attention(node, note)
        elif node.get_type_name() == "Gather" and note.embeddings:
            _table(node, note)
    if not quantized:
        raise InputError(f"{source}: holds no float weights to quantize")
    model.validate_nodes_and_infer_types()
    with atomic_path(target, (".bin",)) as temporary:
        save_ir(model, temporary)


def check(config: QuantizeConfig) -> None:
    """Refuses settings that an OpenVINO model can't have.

    Raises:
        InputError: They are such.
    """
    if not config.static_activations:
        raise InputError(
            f"method: {config.method} is not for OpenVINO, whose int8 products need ranges that "
            "are known beforehand: use static or qat"
        )
    if config.bits != 8:
        raise InputError(f"bits: {config.bits} is not for OpenVINO here; use 8")


def _linear(node: Any, note: QuantizationNote, quantized: dict[Any, Any]) -> None:
    """activation @ weights, both in int8."""
    import openvino.opset13 as ops

    weights = node.input_value(1).get_node()
    matrix = _matrix(weights)
    name = node.get_friendly_name().partition("/")[0]
    if matrix is None or note.bits_of(name) is None:
        return
    range_ = note.ranges.get(name)
    if range_ is None:
        raise InputError(f"no range is known for the input of {name}; quantize it by a recipe")
    activation = node.input_value(0)
    key = activation.get_node().get_friendly_name(), activation.get_index(), range_
    if key not in quantized:
        step, zero = uint8_grid(*range_)
        ends = np.float32(-float(zero) * step), np.float32((LEVELS - float(zero)) * step)
        quantized[key] = ops.fake_quantize(activation, *ends, *ends, LEVELS + 1)
    node.input(0).replace_source_output(quantized[key].output(0))
    across = 1 if node.get_attributes()["transpose_b"] else 0
    integers, scales = quantize_weights(matrix, across, note.largest(8))
    stored = ops.multiply(
        ops.convert(_constant(f"{name}.weight_quantized", integers), "f32"),
        _constant(f"{name}.weight_scale", scales),
    )
    node.input(1).replace_source_output(stored.output(0))


def _attention(node: Any, note: QuantizationNote) -> None:
    """queries @ keys or probabilities @ values, both in int8, where sizes are known.

    The plugin wants queries, keys and values symmetric about 0: with a zero point, marking them
    costs more than it brings (1.02 to 1.07 of the time on two threads, beside 0.92 to 0.96).
    """
    import openvino.opset13 as ops

    ports = _sources(node)
    ranges = [_range(port.get_source_output().get_node(), note) for port in ports]
    for port, range_ in zip(ports, ranges, strict=True):
        if None not in ranges:
            ends = np.array(range_, np.float32)
            marked = ops.fake_quantize(port.get_source_output(), *ends, *ends, LEVELS + 1)
            port.replace_source_output(marked.output(0))


def _sources(product: Any) -> list[Any]:
    """Finds, for both factors, the input port from which on they are only moved about."""
    ports = []
    for port in product.inputs():
        while port.get_source_output().get_node().get_type_name() in ("Reshape", "Transpose"):
            port = port.get_source_output().get_node().input(0)
        ports.append(port)
    return ports


def _range(values: Any, note: QuantizationNote) -> tuple[float, float] | None:
    """The range of probabilities, or of queries, keys or values whose size is known."""
    if values.get_type_name() == "Softmax":
        return 0.0, 1.0
    made_by = values.input_value(0).get_node() if values.get_type_name() == "Add" else values
    size = note.attention.get(made_by.get_friendly_name().partition("/")[0])
    # 128 steps below 0 and 127 above.
    return (-size * 128 / 127, size) if size else None


def _table(node: Any, note: QuantizationNote) -> None:
    """Rows of an int8 table, made float after they are picked."""
    import openvino.opset13 as ops

    table = node.input_value(0).get_node()
    matrix = _matrix(table)
    if matrix is None:
        return
    integers, scales = quantize_weights(matrix, 1, note.largest(8))
    ids, axis = node.input_value(1), node.input_value(2)
    name = table.get_friendly_name()
    rows = ops.gather(_constant(f"{name}_quantized", integers), ids, axis)
    row_scales = ops.gather(_constant(f"{name}_scale", scales), ids, axis)
    scaled = ops.multiply(ops.convert(rows, "f32"), row_scales)
    for reader in node.output(0).get_target_inputs():
        reader.replace_source_output(scaled.output(0))


def _constant(name: str, values: NDArray[Any]) -> Any:
    import openvino.opset13 as ops

    constant = ops.constant(values)
    constant.set_friendly_name(name)
    return constant


def _matrix(node: Any) -> NDArray[np.float32] | None:
    """The weights of a constant, if they are a float matrix worth quantizing."""
    if node.get_type_name() != "Constant":
        return None
    values = node.get_data()
    return np.array(values) if worth_quantizing(values) else None
