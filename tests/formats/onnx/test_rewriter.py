"""Which layers and tables of a graph become integers, and how they are stored."""

import numpy as np
import onnx_ir as ir
import pytest

from tinybert.formats.onnx.products import DynamicProduct, FloatProduct
from tinybert.steps.quantize.integers import quantize_weights

DICE = np.random.default_rng(0)
WEIGHTS = DICE.normal(size=(32, 24)).astype(np.float32)
BIAS = DICE.normal(size=24).astype(np.float32)
X = DICE.normal(size=(5, 32)).astype(np.float32)


def stored(model, dtype):
    """The names of constants of a type."""
    constants = model.graph.initializers.values()
    return sorted(value.name for value in constants if value.const_value.dtype == dtype)


def one_layer(graph, op="MatMul", weights=WEIGHTS, **attributes):
    inputs = [graph.input("x"), graph.constant("weights", weights)]
    if op == "Gemm":
        inputs.append(graph.constant("bias", BIAS))
    return graph.add(op, *inputs, name="layer", **attributes)


def test_float_weights_are_gone_and_integers_in_their_place(small_graph, rewrite):
    graph = small_graph()
    model = rewrite(graph.model(one_layer(graph)), DynamicProduct())
    assert stored(model, ir.DataType.INT8) == ["weights_columns_quantized"]
    assert stored(model, ir.DataType.FLOAT) == ["weights_columns_scale"]
    integers, scales = quantize_weights(WEIGHTS, 0)
    constants = model.graph.initializers
    assert (constants["weights_columns_quantized"].const_value.numpy() == integers).all()
    assert (constants["weights_columns_scale"].const_value.numpy() == scales[0]).all()


@pytest.mark.parametrize("transposed", [0, 1])
def test_a_gemm_is_x_times_w_plus_b(small_graph, rewrite, compute, operators, transposed):
    graph = small_graph()
    weights = WEIGHTS.T if transposed else WEIGHTS
    model = rewrite(
        graph.model(one_layer(graph, "Gemm", weights, transB=transposed)), FloatProduct()
    )
    assert "Gemm" not in operators(model)
    (found,) = compute(model, x=X)
    integers, scales = quantize_weights(WEIGHTS, 0)
    assert found == pytest.approx(X @ (integers * scales) + BIAS, abs=1e-4)


@pytest.mark.parametrize(
    ("op", "weights", "attributes"),
    [
        ("Gemm", WEIGHTS, {"alpha": 0.5}),
        ("Gemm", WEIGHTS, {"beta": 2.0}),
        ("MatMul", WEIGHTS[:, :15], {}),
        ("MatMul", WEIGHTS.astype(np.float64), {}),
        ("MatMul", WEIGHTS[None], {}),
        ("Gather", WEIGHTS, {"axis": 1}),
    ],
    ids=["alpha", "beta", "narrow", "double", "three axes", "columns"],
)
def test_what_is_no_plain_layer_or_table_stays(
    small_graph, rewrite, operators, op, weights, attributes
):
    graph = small_graph()
    if op == "Gather":
        ids = graph.input("ids", ir.DataType.INT64)
        y = graph.add(op, graph.constant("weights", weights), ids, **attributes)
    else:
        y = one_layer(graph, op, weights, **attributes)
    model = rewrite(graph.model(y), DynamicProduct())
    assert operators(model) == [op]
    assert "weights" in model.graph.initializers


def test_a_product_of_two_activations_stays(small_graph, rewrite, operators):
    graph = small_graph()
    model = graph.model(graph.add("MatMul", graph.input("x"), graph.input("y")))
    assert operators(rewrite(model, DynamicProduct())) == ["MatMul"]


def test_a_sum_is_taken_for_a_bias_only_where_it_is_one(small_graph, rewrite, operators, compute):
    """Not where the product itself is wanted as well, and not what is no stored vector."""
    graph = small_graph()
    y = one_layer(graph)
    total = graph.add("Add", y, graph.constant("bias", BIAS))
    model = rewrite(graph.model(y, total), DynamicProduct())
    product, added = compute(model, x=X)
    assert added == pytest.approx(product + BIAS, abs=1e-6)
    graph = small_graph()
    total = graph.add("Add", one_layer(graph), graph.input("other"))
    model = rewrite(graph.model(total), DynamicProduct())
    other = np.ones((5, 24), np.float32)
    assert compute(model, x=X, other=other)[0] == pytest.approx(product + 1, abs=1e-6)


def test_weights_of_several_layers_are_stored_once(small_graph, rewrite, compute):
    graph = small_graph()
    square = DICE.normal(size=(32, 32)).astype(np.float32)
    weights = graph.constant("shared", square)
    first = graph.add("MatMul", graph.input("x"), weights, name="layer")
    second = graph.add("MatMul", first, weights, name="layer/2")
    model = rewrite(graph.model(second), FloatProduct())
    assert stored(model, ir.DataType.INT8) == ["shared_columns_quantized"]
    integers, scales = quantize_weights(square, 0)
    rounded = integers * scales
    assert compute(model, x=X)[0] == pytest.approx(X @ rounded @ rounded, abs=1e-3)


def test_a_table_and_a_layer_of_the_same_weights_have_scales_of_their_own(
    small_graph, rewrite, compute
):
    """As where the output layer is tied to the embeddings."""
    graph = small_graph()
    table = (DICE.normal(size=(40, 32)) * np.logspace(0, 2, 40)[:, None]).astype(np.float32)
    words = graph.constant("words", table)
    rows = graph.add("Gather", words, graph.input("ids", ir.DataType.INT64, 1), axis=0)
    model = rewrite(graph.model(rows), FloatProduct())
    ids = np.arange(40)
    (found,) = compute(model, ids=ids)
    step = np.abs(table).max(axis=1, keepdims=True) / 127
    assert (np.abs(found - table) <= 0.501 * step).all()
    assert stored(model, ir.DataType.INT8) == ["words_rows_quantized"]


@pytest.mark.parametrize("group_size", [None, 32])
def test_a_table_of_four_bits_stays_packed(small_graph, rewrite, compute, operators, group_size):
    graph = small_graph()
    table = DICE.normal(size=(40, 64)).astype(np.float32)
    ids = graph.input("ids", ir.DataType.INT64, 1)
    rows = graph.add("Gather", graph.constant("words", table), ids, axis=0)
    model = rewrite(graph.model(rows), FloatProduct(), bits=4, group_size=group_size)
    assert operators(model) == ["GatherBlockQuantized"]
    assert stored(model, ir.DataType.INT4) == ["words_rows_quantized"]
    integers, scales = quantize_weights(table, 1, 7, group_size)
    expected = integers * scales.repeat(64 // scales.shape[1], axis=1)
    assert compute(model, ids=np.arange(40))[0] == pytest.approx(expected, abs=1e-6)


def test_tables_may_stay_float(small_graph, rewrite, operators):
    graph = small_graph()
    ids = graph.input("ids", ir.DataType.INT64, 1)
    rows = graph.add("Gather", graph.constant("words", WEIGHTS), ids, axis=0)
    model = rewrite(graph.model(rows), FloatProduct(), embeddings=False)
    assert operators(model) == ["Gather"]


@pytest.mark.parametrize(("bits", "kept_as"), [(8, ir.DataType.FLOAT), (4, ir.DataType.INT8)])
def test_kept_layers_are_in_higher_precision(small_graph, rewrite, bits, kept_as):
    graph = small_graph()
    x = graph.input("x")
    outputs = [
        graph.add("MatMul", x, graph.constant(f"{name}_weights", WEIGHTS), name=name)
        for name in ("kept", "kept/2", "other")
    ]
    model = rewrite(graph.model(*outputs), FloatProduct(), bits=bits, kept=("kept",))
    low = {8: ir.DataType.INT8, 4: ir.DataType.INT4}[bits]
    assert [name.partition("_")[0] for name in stored(model, low)] == ["other"]
    matrices = [name for name in stored(model, kept_as) if not name.endswith("scale")]
    assert {name.partition("_")[0] for name in matrices} == {"kept", "kept/2"}
