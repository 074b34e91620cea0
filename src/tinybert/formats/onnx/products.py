"""How linear layers compute: what is done with their activations."""

import numpy as np
import onnx_ir as ir

from tinybert.base.errors import InputError
from tinybert.formats.onnx.rewriter import LinearLayer, Rewriter
from tinybert.steps.quantize.integers import uint8_grid


class DynamicProduct:
    """Integer products; activations become uint8 with the range that they happen to have.

    ONNX Runtime fuses the standard operators when it loads the file.
    """

    def __init__(self) -> None:
        self._quantized: dict[ir.Value, tuple[ir.Value, ...]] = {}

    def nodes(self, layer: LinearLayer, rewriter: Rewriter) -> list[ir.Node]:
        """MatMulInteger and the way back to float."""
        integers, scale = rewriter.store(layer.node, layer.weights, layer.matrix, bits=layer.bits)
        if layer.activation not in self._quantized:
            quantize = ir.node("DynamicQuantizeLinear", [layer.activation], num_outputs=3)
            rewriter.before(layer.node, quantize)
            self._quantized[layer.activation] = tuple(quantize.outputs)
        values, value_scale, zero_point = self._quantized[layer.activation]
        product = ir.node("MatMulInteger", [values, integers, zero_point])
        as_float = ir.node("Cast", [product.outputs[0]], {"to": ir.DataType.FLOAT})
        scales = ir.node("Mul", [value_scale, scale])
        scaled = ir.node("Mul", [as_float.outputs[0], scales.outputs[0]])
        return [product, as_float, scales, scaled, *_added(scaled, layer.bias)]


class StaticProduct:
    """Integer products; activations become uint8 by ranges that are known beforehand.

    They are written as ONNX Runtime's own fused operator: constant scales would be folded before
    it looks for the standard ones to fuse, and of DequantizeLinear it does not fuse the bias
    (1.31).
    """

    def __init__(self) -> None:
        self._quantized: dict[tuple[ir.Value, tuple[float, float]], list[ir.Value]] = {}

    def nodes(self, layer: LinearLayer, rewriter: Rewriter) -> list[ir.Node]:
        """MatMulIntegerToFloat, after QuantizeLinear where the activation is not yet uint8."""
        range_ = rewriter.note.ranges.get(layer.name)
        if range_ is None:
            raise InputError(
                f"no range is known for the input of {layer.name}; calibrate the model that "
                "was exported"
            )
        integers, scale = rewriter.store(layer.node, layer.weights, layer.matrix, bits=layer.bits)
        key = layer.activation, range_
        if key not in self._quantized:
            name = f"{layer.activation.name}_{len(self._quantized)}"
            step, zero_point = uint8_grid(*range_)
            grid = [
                rewriter.initializer(f"{name}_scale", np.array(step)),
                rewriter.initializer(f"{name}_zero_point", np.array(zero_point)),
            ]
            quantize = ir.node("QuantizeLinear", [layer.activation, *grid])
            self._quantized[key] = [rewriter.before(layer.node, quantize), *grid]
        values, value_scale, zero = self._quantized[key]
        rewriter.graph.opset_imports["com.microsoft"] = 1
        inputs: list[ir.Value | None] = [values, integers, value_scale, scale, zero]
        if layer.bias is not None:
            inputs += [None, layer.bias]  # weights have no zero point
        return [ir.node("MatMulIntegerToFloat", inputs, domain="com.microsoft")]


class FloatProduct:
    """Float products with weights that are stored as integers.

    ONNX Runtime multiplies them by their scales once, when it loads the file. (It would replace
    DequantizeLinear by a product that rounds activations as well, to int8.)
    """

    def nodes(self, layer: LinearLayer, rewriter: Rewriter) -> list[ir.Node]:
        """MatMul of what is made float."""
        integers, scale = rewriter.store(
            layer.node,
            layer.weights,
            layer.matrix,
            bits=layer.bits,
            group_size=rewriter.note.group_size,
        )
        nodes = [ir.node("Cast", [integers], {"to": ir.DataType.FLOAT})]
        if layer.bits == 2:  # four values, as many on either side of 0
            nodes.append(ir.node("Add", [nodes[-1].outputs[0], rewriter.half]))
        nodes.append(ir.node("Mul", [nodes[-1].outputs[0], scale]))
        product = ir.node("MatMul", [layer.activation, nodes[-1].outputs[0]])
        return [*nodes, product, *_added(product, layer.bias)]


def _added(product: ir.Node, bias: ir.Value | None) -> list[ir.Node]:
    return [] if bias is None else [ir.node("Add", [product.outputs[0], bias])]
