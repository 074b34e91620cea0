"""What makes an exported ONNX graph smaller and faster without changing what it computes."""

import ast
from collections import Counter

import onnx
import onnx_ir as ir
from onnx_ir.passes.common import ClearMetadataAndDocStringPass

_SCOPES = "pkg.torch.onnx.name_scopes"
"""Where the exporter notes the modules around a node, from the outermost."""


def simplify(model: ir.Model) -> onnx.ModelProto:
    """Rewrites the graph in place and returns it without the exporter's notes.

    PyTorch's exporter notes a stack trace at each node and a shape at each value: a megabyte for
    a large model, which no runtime reads.
    """
    fold_transposes(model.graph)
    separate_residuals(model.graph)
    name_layers(model.graph)
    ClearMetadataAndDocStringPass()(model)
    proto = ir.to_proto(model)
    del proto.graph.value_info[:]
    return proto


def fold_transposes(graph: ir.Graph) -> None:
    """Stores weights as their products read them, where the graph transposes them each time.

    The exporter folds a transposition into weights that are used once, and leaves it in the graph
    for those that layers share, as ALBERT's do: runtimes and quantization see no weights there.
    A table of words that is a head too stays as it is, so that it is stored once; runtimes
    transpose it when they load the file.
    """
    folded: dict[ir.Value, ir.Value] = {}
    for node in list(graph):
        weights = node.inputs[0] if node.op_type == "Transpose" else None
        if weights is None or weights.const_value is None or len(weights.shape or ()) != 2:
            continue
        if is_looked_up(weights):
            continue
        if weights not in folded:
            array = weights.const_value.numpy().T.copy()
            name = f"{weights.name}_transposed"
            value = ir.val(name, const_value=ir.tensor(array, name=name))
            graph.register_initializer(value)
            folded[weights] = value
        ir.convenience.replace_all_uses_with(node.outputs[0], folded[weights])
        graph.remove(node, safe=True)
    for name, weights in list(graph.initializers.items()):
        if weights in folded and not weights.uses():
            del graph.initializers[name]


def is_looked_up(value: ir.Value) -> bool:
    """Whether rows of it are looked up, as those of a table of words are."""
    return any(node.op_type == "Gather" and not index for node, index in value.uses())


def _is_turned(value: ir.Value) -> bool:
    """Whether it is transposed somewhere."""
    return any(node.op_type == "Transpose" for node, _ in value.uses())


def weights_of(value: ir.Value | None) -> ir.Value | None:
    """The stored values that a node is given, as they are or transposed; None where it is not."""
    node = value.producer() if value is not None else None
    if node is not None and node.op_type == "Transpose":
        value = node.inputs[0]
    return value if value is not None and value.const_value is not None else None


def name_layers(graph: ir.Graph) -> None:
    """Names the nodes that multiply by weights, or look rows up, after the modules they are of.

    Weights that the exporter gave a number are named likewise. Only so is it known which layer a
    node is: most weights are stored transposed. Names must be unique: where a module is used
    again, a number follows after a slash.
    """
    uses: Counter[str] = Counter()
    for node in graph:
        scopes = ast.literal_eval(node.metadata_props.get(_SCOPES, "[]"))
        weights = [each for value in node.inputs if (each := weights_of(value)) is not None]
        if node.op_type in ("MatMul", "Gemm", "Gather") and weights and len(scopes) > 1:
            # The last scope is the operation; the first module is what the export wraps around.
            name = scopes[-2].partition(".")[2]
            uses[name] += 1
            node.name = name if uses[name] == 1 else f"{name}/{uses[name]}"
            for value in weights:
                if (value.name or "").startswith("val_") and len(value.shape or ()) == 2:
                    value.name = f"{node.name}.weight"
                elif node.op_type == "Gather" and _is_turned(value):
                    value.name = f"model.{node.name}.weight"  # not that of the head that it is too


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
