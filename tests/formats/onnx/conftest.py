import numpy as np
import onnx_ir as ir
import onnxruntime
import pytest

from tinybert.formats.onnx.rewriter import Rewriter
from tinybert.steps.quantize.note import QuantizationNote

OPSET = 21


class SmallGraph:
    """A graph written by hand: nodes are added one by one, then it is rewritten and run."""

    def __init__(self):
        self.nodes, self.inputs, self.stored = [], [], []

    def input(self, name, dtype=ir.DataType.FLOAT, dims=2):
        value = ir.val(name, dtype, [f"{name}{axis}" for axis in range(dims)])
        self.inputs.append(value)
        return value

    def constant(self, name, array):
        value = ir.val(name, const_value=ir.tensor(np.ascontiguousarray(array), name=name))
        self.stored.append(value)
        return value

    def add(self, op, *inputs, name=None, **attributes):
        node = ir.node(op, list(inputs), attributes or None, name=name)
        node.outputs[0].name = f"{op}_{len(self.nodes)}"
        self.nodes.append(node)
        return node.outputs[0]

    def model(self, *outputs):
        for output in outputs:
            output.dtype = ir.DataType.FLOAT
        graph = ir.Graph(
            self.inputs,
            list(outputs),
            nodes=self.nodes,
            initializers=self.stored,
            opset_imports={"": OPSET},
            name="small",
        )
        return ir.Model(graph, ir_version=10)


@pytest.fixture
def small_graph():
    return SmallGraph


@pytest.fixture
def rewrite():
    """Rewrites a model by a product, and by what the note says beside its defaults."""

    def run(model, product, **changes):
        note = {"bits": 8, "group_size": None, "embeddings": True, "reduce_range": False}
        Rewriter(model.graph, QuantizationNote(**(note | changes)), product).run()
        return model

    return run


@pytest.fixture
def compute():
    """Runs a model as our runtime opens files: int8 products are exact on every processor."""

    def run(model, **feeds):
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.x64quantprecision", "1")
        session = onnxruntime.InferenceSession(ir.to_proto(model).SerializeToString(), options)
        return session.run(None, feeds)

    return run


@pytest.fixture
def operators():
    """The operators of a model, in order."""
    return lambda model: [node.op_type for node in model.graph]
