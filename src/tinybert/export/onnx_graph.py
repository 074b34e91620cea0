"""What makes an exported ONNX graph smaller and faster without changing what it computes."""

import onnx
import onnx_ir as ir
from onnx_ir.passes.common import ClearMetadataAndDocStringPass


def simplify(model: ir.Model) -> onnx.ModelProto:
    """Rewrites the graph in place and returns it without the exporter's notes.

    PyTorch's exporter notes a stack trace at each node and a shape at each value: a megabyte for
    a large model, which no runtime reads.
    """
    separate_residuals(model.graph)
    ClearMetadataAndDocStringPass()(model)
    proto = ir.to_proto(model)
    del proto.graph.value_info[:]
    return proto


def separate_residuals(graph: ir.Graph) -> None:
    """Makes Sum of every Add whose result is normalized.

    Where it knows the shapes, ONNX Runtime fuses Add with LayerNormalization into
    SkipLayerNormalization, whose CPU kernel took 95 microseconds for 128 x 312 where
    LayerNormalization alone took 18 (ONNX Runtime 1.31, Zen 5). It leaves Sum alone, also after
    someone has run shape inference on the file.
    """
    for node in graph:
        value = node.inputs[0] if node.op_type == "LayerNormalization" else None
        added = value.producer() if value is not None else None
        if added is not None and added.op_type == "Add":
            added.op_type = "Sum"
