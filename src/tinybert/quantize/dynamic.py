"""Post-training dynamic int8 for ONNX files.

Weights are stored as int8 with one scale an output channel, embedding tables with one scale a
row. Activations are quantized while the model runs, to uint8 with the range they happen to have.
Only standard operators are written; ONNX Runtime fuses them when it loads the file.
"""

from pathlib import Path

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from tinybert.errors import InputError
from tinybert.files import atomic_path
from tinybert.quantize.config import QuantizeConfig

_NARROWEST = 16
"""Weights narrower than this stay float: a head's, which cost no bytes and whose error is
nowhere averaged out, and tables of a few rows."""


def quantize_dynamic(source: Path, target: Path, config: QuantizeConfig | None = None) -> None:
    """Writes the int8 form of an fp32 ONNX file.

    Args:
        source: The fp32 file, such as `tinybert.export` writes.
        target: The file to write.
        config: What to quantize, and how.

    Raises:
        InputError: The file holds no float weights that can be quantized.

    Example:
        >>> quantize_dynamic(Path("model.onnx"), Path("int8.onnx"))  # doctest: +SKIP
    """
    config = config or QuantizeConfig()
    model = ir.load(source)
    rewriter = _Rewriter(model.graph, largest=63 if config.reduce_range else 127)
    for node in list(model.graph):
        if node.op_type in ("MatMul", "Gemm"):
            rewriter.matmul(node)
        elif node.op_type == "Gather" and config.embeddings:
            rewriter.gather(node)
    if not rewriter.weights:
        raise InputError(f"{source}: holds no float weights to quantize")
    _remove_unused_initializers(model.graph)
    with atomic_path(target) as temporary:
        temporary.write_bytes(ir.to_proto(model).SerializeToString())


def quantize_weights(
    weights: NDArray[np.float32], axis: int, largest: int = 127
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Rounds weights to int8, zero at zero, each slice by its own largest value.

    Args:
        weights: Any shape.
        axis: The axis that a scale spans: 0 gives each column of a matrix its scale.
        largest: The integer that the largest value becomes.

    Returns:
        The integers, and the scales that they are multiplied by, with `axis` kept as 1.

    Example:
        >>> integers, scales = quantize_weights(np.array([[1, 8], [2, 4]], np.float32), axis=1)
        >>> integers.tolist()
        [[16, 127], [64, 127]]
    """
    scales = np.abs(weights).max(axis=axis, keepdims=True) / np.float32(largest)
    scales[scales == 0] = 1
    return np.rint(weights / scales).astype(np.int8), scales.astype(np.float32)


class _Rewriter:
    """Replaces nodes of one graph; a weight or activation with several uses is quantized once."""

    def __init__(self, graph: ir.Graph, largest: int) -> None:
        self.graph = graph
        self.largest = largest
        self.weights: dict[tuple[ir.Value, bool, int], tuple[ir.Value, ir.Value]] = {}
        self._activations: dict[ir.Value, tuple[ir.Value, ...]] = {}

    def matmul(self, node: ir.Node) -> None:
        """activation @ weights (+ bias), the products in int8."""
        activation, weights, *rest = node.inputs
        gemm = node.op_type == "Gemm"
        if gemm and not _is_plain(node):
            return
        matrix = _matrix(weights)
        if activation is None or weights is None or matrix is None:
            return
        transposed = gemm and bool(node.attributes.get_int("transB", 0))
        integers, scale = self._quantized(weights, matrix, transposed, axis=0)
        values, value_scale, zero_point = self._quantized_activation(activation, node)
        product = ir.node("MatMulInteger", [values, integers, zero_point])
        as_float = ir.node("Cast", [product.outputs[0]], {"to": ir.DataType.FLOAT})
        scales = ir.node("Mul", [value_scale, scale])
        nodes = [product, as_float, scales]
        nodes.append(ir.node("Mul", [as_float.outputs[0], scales.outputs[0]]))
        if rest and rest[0] is not None:
            nodes.append(ir.node("Add", [nodes[-1].outputs[0], rest[0]]))
        self._replace(node, nodes)

    def gather(self, node: ir.Node) -> None:
        """Rows of a table, made float after they are picked."""
        table, indices = node.inputs
        matrix = _matrix(table)
        if table is None or matrix is None or node.attributes.get_int("axis", 0) != 0:
            return
        integers, scale = self._quantized(table, matrix, transposed=False, axis=1)
        rows = ir.node("Gather", [integers, indices], {"axis": 0})
        row_scales = ir.node("Gather", [scale, indices], {"axis": 0})
        as_float = ir.node("Cast", [rows.outputs[0]], {"to": ir.DataType.FLOAT})
        scaled = ir.node("Mul", [as_float.outputs[0], row_scales.outputs[0]])
        self._replace(node, [rows, row_scales, as_float, scaled])

    def _quantized(
        self, value: ir.Value, matrix: NDArray[np.float32], transposed: bool, axis: int
    ) -> tuple[ir.Value, ir.Value]:
        key = (value, transposed, axis)
        if key not in self.weights:
            integers, scale = quantize_weights(
                matrix.T if transposed else matrix, axis, self.largest
            )
            name = f"{value.name}_{'rows' if axis else 'columns'}{'_transposed' * transposed}"
            self.weights[key] = (
                self._initializer(f"{name}_quantized", integers),
                self._initializer(f"{name}_scale", scale if axis else scale[0]),
            )
        return self.weights[key]

    def _quantized_activation(self, value: ir.Value, user: ir.Node) -> tuple[ir.Value, ...]:
        if value not in self._activations:
            node = ir.node("DynamicQuantizeLinear", [value], num_outputs=3)
            self.graph.insert_before(user, node)
            self._activations[value] = tuple(node.outputs)
        return self._activations[value]

    def _initializer(self, name: str, array: NDArray[np.generic]) -> ir.Value:
        value = ir.val(name, const_value=ir.tensor(np.ascontiguousarray(array), name=name))
        self.graph.register_initializer(value)
        return value

    def _replace(self, node: ir.Node, nodes: list[ir.Node]) -> None:
        ir.convenience.replace_nodes_and_values(
            self.graph, node, [node], nodes, node.outputs, nodes[-1].outputs
        )


def _is_plain(gemm: ir.Node) -> bool:
    """Whether a Gemm is x @ W + b or x @ W.T + b, unscaled."""
    numbers = gemm.attributes
    return (
        numbers.get_float("alpha", 1.0) == 1.0
        and numbers.get_float("beta", 1.0) == 1.0
        and not numbers.get_int("transA", 0)
    )


def _matrix(value: ir.Value | None) -> NDArray[np.float32] | None:
    """The weights behind a value, if they are a float matrix worth quantizing."""
    if value is None or value.const_value is None:
        return None
    array = value.const_value.numpy()
    if array.dtype != np.float32 or array.ndim != 2 or min(array.shape) < _NARROWEST:
        return None
    return array


def _remove_unused_initializers(graph: ir.Graph) -> None:
    for name, value in list(graph.initializers.items()):
        if not value.uses():
            del graph.initializers[name]
