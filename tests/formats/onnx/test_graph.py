import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
from transformers import AutoTokenizer

from tinybert.formats.onnx.convert import convert
from tinybert.formats.onnx.graph import (
    fold_transposes,
    name_layers,
    separate_residuals,
    simplify,
)
from tinybert.formats.quantize import quantize_onnx
from tinybert.run.export import export


def test_residuals_stay_apart_even_where_shapes_are_known(
    make_encoder, tiny_tokenizer_dir, tmp_path
):
    convert(
        make_encoder("bert"),
        AutoTokenizer.from_pretrained(tiny_tokenizer_dir),
        tmp_path / "model.onnx",
    )
    inferred = onnx.shape_inference.infer_shapes(onnx.load(tmp_path / "model.onnx"))
    onnx.save(inferred, tmp_path / "inferred.onnx")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(tmp_path / "inferred.onnx", options)
    operators = {node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node}
    assert "LayerNormalization" in operators
    assert "SkipLayerNormalization" not in operators


def test_weights_that_layers_share_are_stored_once_as_products_read_them(
    make_encoder, tiny_tokenizer_dir, tmp_path
):
    # Smaller ones are folded by the exporter, once for each use.
    model = make_encoder("albert", hidden_size=128, num_hidden_layers=3, intermediate_size=256)
    tokenizer = AutoTokenizer.from_pretrained(tiny_tokenizer_dir)
    path = export(model, tokenizer, tmp_path)["onnx"]  # checks its logits
    graph = onnx.load(path).graph
    stored = {tensor.name for tensor in graph.initializer}
    assert not [
        node for node in graph.node if {*node.input} & stored and node.op_type == "Transpose"
    ]
    parameters = sum(weight.numel() for weight in model.parameters())
    assert path.stat().st_size < 4.2 * parameters

    quantize_onnx(path, tmp_path / "int8.onnx")
    assert (tmp_path / "int8.onnx").stat().st_size < 0.35 * path.stat().st_size


def test_a_transposition_of_weights_is_folded_for_all_that_share_it(small_graph, compute):
    graph, dice = small_graph(), np.random.default_rng(0)
    stored = dice.normal(size=(6, 4)).astype(np.float32)
    x, weights = graph.input("x"), graph.constant("weights", stored)
    first = graph.add("MatMul", x, graph.add("Transpose", weights, perm=[1, 0]))
    second = graph.add("MatMul", x, graph.add("Transpose", weights, perm=[1, 0]))
    turned = graph.add("Transpose", x, perm=[1, 0])  # an activation stays what it is
    model = graph.model(first, second, turned)
    fold_transposes(model.graph)
    assert [node.op_type for node in model.graph] == ["MatMul", "MatMul", "Transpose"]
    assert list(model.graph.initializers) == ["weights_transposed"]
    rows = dice.normal(size=(3, 4)).astype(np.float32)
    for found in compute(model, x=rows)[:2]:
        assert found == pytest.approx(rows @ stored.T, abs=1e-6)


def test_weights_that_are_read_both_ways_are_stored_both_ways(small_graph, compute):
    graph = small_graph()
    stored = np.arange(16, dtype=np.float32).reshape(4, 4)
    x, weights = graph.input("x"), graph.constant("weights", stored)
    model = graph.model(
        graph.add("MatMul", x, graph.add("Transpose", weights, perm=[1, 0])),
        graph.add("MatMul", x, weights),
    )
    fold_transposes(model.graph)
    assert set(model.graph.initializers) == {"weights", "weights_transposed"}
    turned, plain = compute(model, x=np.eye(4, dtype=np.float32))
    assert (turned == stored.T).all()
    assert (plain == stored).all()


def test_only_sums_that_are_normalized_are_set_apart(small_graph, compute):
    graph = small_graph()
    x, gain = graph.input("x"), graph.constant("gain", np.ones(4, np.float32))
    normalized = graph.add("LayerNormalization", graph.add("Add", x, x), gain)
    plain = graph.add("Add", x, gain)
    model = graph.model(normalized, plain, graph.add("LayerNormalization", x, gain))
    rows = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    before = compute(model, x=rows)
    separate_residuals(model.graph)
    operators = [node.op_type for node in model.graph]
    assert operators == ["Sum", "LayerNormalization", "Add", "LayerNormalization"]
    for ours, theirs in zip(compute(model, x=rows), before, strict=True):
        assert (ours == theirs).all()


def test_layers_have_the_names_of_their_modules(small_graph):
    graph = small_graph()
    x, weights = graph.input("x"), graph.constant("val_7", np.ones((4, 4), np.float32))
    first = graph.add("MatMul", x, weights)
    again = graph.add("MatMul", first, weights)
    sums = graph.add("Add", again, x)
    model = graph.model(sums)
    for node in model.graph:
        scopes = ["", "model.encoder.layer.0.dense", "linear"]
        node.metadata_props["pkg.torch.onnx.name_scopes"] = str(scopes)
    name_layers(model.graph)
    names = [node.name for node in model.graph]
    assert names[:2] == ["encoder.layer.0.dense", "encoder.layer.0.dense/2"]
    assert names[2] != "encoder.layer.0.dense"
    assert weights.name == "encoder.layer.0.dense.weight"


def test_the_exporters_notes_are_left_out(small_graph):
    graph = small_graph()
    y = graph.add("Add", graph.input("x"), graph.constant("one", np.ones(4, np.float32)))
    z = graph.add("Relu", y)
    y.shape = ir.Shape(["rows", 4])
    y.dtype = ir.DataType.FLOAT
    model = graph.model(z)
    for node in model.graph:
        node.metadata_props["pkg.torch.onnx.stack_trace"] = "/home/me/model.py" * 100
    proto = simplify(model)
    assert b"/home/me" not in proto.SerializeToString()
    assert not proto.graph.value_info
