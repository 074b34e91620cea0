"""Rewrites the linear layers and embedding tables of an ONNX graph to integers.

Which layers, and how their weights are stored, is the same for all methods; they differ in what
is done with activations, see `tinybert.formats.onnx.products`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from tinybert.formats.onnx.graph import is_looked_up, weights_of
from tinybert.steps.quantize.integers import groups, quantize_weights, worth_quantizing
from tinybert.steps.quantize.note import QuantizationNote

OPSETS = {4: 21, 2: 25}
"""The first that know values of so few bits."""

_PACKED = {4: ir.DataType.INT4, 2: ir.DataType.INT2}


@dataclass(frozen=True)
class LinearLayer:
    """x @ W + b in a graph.

    Attributes:
        node: Its MatMul or Gemm.
        name: Of the module that it comes from.
        activation: x, (..., in).
        weights: W as stored, (in, out) or transposed.
        matrix: W, (in, out).
        bias: b, (out,), if there is one.
        bits: Of the integers that W becomes.
    """

    node: ir.Node
    name: str
    activation: ir.Value
    weights: ir.Value
    matrix: NDArray[np.float32]
    bias: ir.Value | None
    bits: int


class Product(Protocol):
    """How layers compute."""

    def nodes(self, layer: LinearLayer, rewriter: "Rewriter") -> list[ir.Node]:
        """The nodes in place of a layer, whose result is the first output of the last one."""
        ...


class Rewriter:
    """Replaces nodes of one graph; a weight or activation with several uses is quantized once.

    Args:
        graph: Changed in place.
        note: Says which weights have how many bits.
        product: How layers compute.
    """

    def __init__(self, graph: ir.Graph, note: QuantizationNote, product: Product) -> None:
        self.graph = graph
        self.note = note
        self.product = product
        self.rewritten = 0
        self._stored: dict[str, tuple[ir.Value, ...]] = {}

    def run(self) -> None:
        """Rewrites every layer, and every table if the note says so."""
        for node in list(self.graph):
            if node.op_type in ("MatMul", "Gemm"):
                self._linear(node)
            elif node.op_type == "Gather" and self.note.embeddings:
                self._table(node)
        for node in list(self.graph):
            read = node.outputs[0].uses() or node.outputs[0].is_graph_output()
            if node.op_type == "Transpose" and not read:  # of a layer that was replaced
                self.graph.remove(node, safe=True)
        for name, value in list(self.graph.initializers.items()):
            if not value.uses():
                del self.graph.initializers[name]

    def _linear(self, node: ir.Node) -> None:
        activation, given, *rest = node.inputs
        weights = weights_of(given)
        gemm = node.op_type == "Gemm"
        name = (node.name or "").partition("/")[0]  # a number follows where it is used again
        bits = self.note.bits_of(name)
        matrix = _matrix(weights)
        if activation is None or weights is None or matrix is None or bits is None:
            return
        if gemm and not _is_plain(node):
            return
        transposed = node.attributes.get_int("transB", 0) if gemm else 0
        if bool(transposed) != (weights is not given):
            matrix = matrix.T
        add, bias = (None, rest[0] if rest else None) if gemm else _bias_after(node)
        layer = LinearLayer(node, name, activation, weights, matrix, bias, bits)
        self._replace([node] if add is None else [node, add], self.product.nodes(layer, self))

    def _table(self, node: ir.Node) -> None:
        table, indices = node.inputs
        matrix = _matrix(table)
        if table is None or matrix is None or node.attributes.get_int("axis", 0) != 0:
            return
        # A row of 8 bits errs little by one scale; 4 bits have scales of groups.
        if self.note.table_bits == 4:
            self._replace([node], [self._packed_rows(table, matrix, indices)])
            return
        integers, scale = self.store(node, table, matrix, bits=8, axis=1)
        rows = ir.node("Gather", [integers, indices], {"axis": 0})
        row_scales = ir.node("Gather", [scale, indices], {"axis": 0})
        as_float = ir.node("Cast", [rows.outputs[0]], {"to": ir.DataType.FLOAT})
        scaled = ir.node("Mul", [as_float.outputs[0], row_scales.outputs[0]])
        self._replace([node], [rows, row_scales, as_float, scaled])

    def _packed_rows(
        self, table: ir.Value, matrix: NDArray[np.float32], indices: ir.Value | None
    ) -> ir.Node:
        """Rows of a 4-bit table, which stays packed in memory; Gather itself knows no 4 bits."""
        width = matrix.shape[1]
        size = self.note.group_size
        integers, scales = quantize_weights(matrix, 1, self.note.largest(4), size)
        self.graph.opset_imports["com.microsoft"] = 1
        return ir.node(
            "GatherBlockQuantized",
            [
                self.initializer(f"{table.name}_rows_quantized", integers, bits=4),
                indices,
                self.initializer(f"{table.name}_rows_scale", scales),
            ],
            # It wants a power of two; one that is larger than a row gives a row one scale.
            {
                "gather_axis": 0,
                "quantize_axis": 1,
                "block_size": size or max(16, 1 << (width - 1).bit_length()),
            },
            domain="com.microsoft",
        )

    def store(
        self,
        user: ir.Node,
        value: ir.Value,
        matrix: NDArray[np.float32],
        *,
        bits: int,
        axis: int = 0,
        group_size: int | None = None,
    ) -> tuple[ir.Value, ir.Value]:
        """Stores a matrix as integers; what has fewer bits becomes int8 when the file is loaded.

        Args:
            user: The node that it is stored for.
            value: The float weights, which give the name.
            matrix: Their values, transposed where the user wants them so.
            bits: 8, 4 or 2.
            axis: What a scale spans.
            group_size: Or part of it, of a matrix (in, out) with axis 0.

        Returns:
            The int8 values and their scales: those of the columns (out,), of rows (rows, 1), or
            with groups of each value (in, out).
        """
        if axis == 0 and bits == 8 and group_size is None and self._is_stored_as_rows(value):
            return self._columns_of_rows(user, value, matrix)
        transposed = value.const_value is not None and matrix.shape != value.const_value.shape
        name = f"{value.name}_{'rows' if axis else 'columns'}{'_transposed' * transposed}"
        if name not in self._stored:
            integers, scales = quantize_weights(matrix, axis, self.note.largest(bits), group_size)
            stored = self.initializer(f"{name}_quantized", integers, bits)
            if bits in _PACKED:
                stored = self.before(user, ir.node("Cast", [stored], {"to": ir.DataType.INT8}))
            one = group_size is None and axis == 0
            scale = self.initializer(f"{name}_scale", scales[0] if one else scales)
            if group_size is not None:
                places = self._groups(len(matrix), group_size)
                scale = self.before(user, ir.node("Gather", [scale, places], {"axis": 0}))
            self._stored[name] = stored, scale
        stored, scale = self._stored[name]
        return stored, scale

    def _is_stored_as_rows(self, value: ir.Value) -> bool:
        """Whether a table's rows are stored as int8, which a head can have transposed."""
        return (self.note.embeddings and self.note.table_bits == 8 and is_looked_up(value)) or (
            f"{value.name}_rows" in self._stored
        )

    def _columns_of_rows(
        self, user: ir.Node, value: ir.Value, matrix: NDArray[np.float32]
    ) -> tuple[ir.Value, ir.Value]:
        """The weights of a head that is the table of words, which is stored once for both."""
        name = f"{value.name}_rows_transposed"
        if name not in self._stored:
            rows, scales = self.store(user, value, matrix.T, bits=8, axis=1)
            turned = self.before(user, ir.node("Transpose", [rows], {"perm": [1, 0]}))
            flat = scales.const_value
            assert flat is not None, "as `store` leaves it"
            scale = self.initializer(f"{name}_scale", flat.numpy()[:, 0])
            self._stored[name] = turned, scale
        turned, scale = self._stored[name]
        return turned, scale

    @cached_property
    def half(self) -> ir.Value:
        """0.5, a scalar."""
        return self.initializer("half", np.array(0.5, np.float32))

    def _groups(self, length: int, group_size: int) -> ir.Value:
        name = f"groups_of_{group_size}_in_{length}"
        if name not in self._stored:
            self._stored[name] = (self.initializer(name, groups(length, group_size)),)
        return self._stored[name][0]

    def initializer(self, name: str, array: NDArray[np.generic], bits: int = 8) -> ir.Value:
        """Stores an array in the graph; of 4 or 2 bits, several values a byte."""
        array = np.ascontiguousarray(array)
        tensor: ir.TensorProtocol = ir.tensor(array, name=name)
        if bits in _PACKED:
            tensor = ir.tensor(array, dtype=_PACKED[bits], name=name)
        value = ir.val(name, const_value=tensor)
        self.graph.register_initializer(value)
        return value

    def before(self, user: ir.Node, node: ir.Node) -> ir.Value:
        """Puts a node before its first user and returns its result."""
        self.graph.insert_before(user, node)
        return node.outputs[0]

    def _replace(self, old: Sequence[ir.Node], new: Sequence[ir.Node]) -> None:
        self.rewritten += 1
        ir.convenience.replace_nodes_and_values(
            self.graph, old[-1], old, new, old[-1].outputs, new[-1].outputs[:1]
        )


def _is_plain(gemm: ir.Node) -> bool:
    """Whether a Gemm is x @ W + b or x @ W.T + b, unscaled."""
    numbers = gemm.attributes
    return (
        numbers.get_float("alpha", 1.0) == 1.0
        and numbers.get_float("beta", 1.0) == 1.0
        and not numbers.get_int("transA", 0)
    )


def _bias_after(product: ir.Node) -> tuple[ir.Node | None, ir.Value | None]:
    """The Add of a stored vector that a product alone goes into, and the vector."""
    uses = list(product.outputs[0].uses())
    add = uses[0].node if len(uses) == 1 else None
    if add is None or add.op_type != "Add" or product.outputs[0].is_graph_output():
        return None, None
    for value in add.inputs:
        if (
            value is not None
            and value.const_value is not None
            and len(value.const_value.shape) == 1
        ):
            return add, value
    return None, None


def _matrix(value: ir.Value | None) -> NDArray[np.float32] | None:
    """The weights behind a value, if they are a float matrix worth quantizing."""
    if value is None or value.const_value is None:
        return None
    array = value.const_value.numpy()
    return array if worth_quantizing(array) else None
