"""How layers compute, against the same arithmetic in numpy; what they share, and what is fused."""

import numpy as np
import pytest

from tinybert.base.errors import InputError
from tinybert.formats.onnx.products import DynamicProduct, FloatProduct, StaticProduct
from tinybert.steps.quantize.integers import quantize_weights, uint8_grid

DICE = np.random.default_rng(0)
WEIGHTS = DICE.normal(size=(32, 24)).astype(np.float32)
BIAS = DICE.normal(size=24).astype(np.float32)
X = DICE.normal(size=(7, 32)).astype(np.float32)
RANGE = (-1.5, 2.0)
"""Narrower than X, so that some of it is cut off."""


@pytest.fixture
def layers(small_graph):
    """`count` layers of one input; each has its own weights, and a bias if asked."""

    def make(count=1, bias=True, outputs=True):
        graph = small_graph()
        x, results = graph.input("x"), []
        for number in range(count):
            weights = graph.constant(f"weights{number}", WEIGHTS * (number + 1))
            y = graph.add("MatMul", x, weights, name=f"layer{number}")
            if bias:
                y = graph.add("Add", y, graph.constant(f"bias{number}", BIAS))
            results.append(y)
        return graph.model(*results)

    return make


def integer_product(x, scale, zero, bits_largest=127):
    """(rows, out): the exact sums of integers, brought back to float."""
    values = np.clip(np.rint(x / scale) + zero, 0, 255).astype(np.int64) - int(zero)
    weights, scales = quantize_weights(WEIGHTS, 0, bits_largest)
    return (values @ weights.astype(np.int64)).astype(np.float32) * (scale * scales)


def test_dynamic_is_exact_in_integers(layers, rewrite, compute, operators):
    model = rewrite(layers(), DynamicProduct())
    (found,) = compute(model, x=X)
    expected = integer_product(X, *uint8_grid(X.min(), X.max())) + BIAS
    assert found == pytest.approx(expected, abs=1e-5)
    assert operators(model)[:2] == ["DynamicQuantizeLinear", "MatMulInteger"]
    assert {node.domain for node in model.graph} == {""}  # any runtime knows these


def test_static_is_exact_in_integers_and_cuts_off(layers, rewrite, compute):
    model = rewrite(layers(), StaticProduct(), ranges={"layer0": RANGE})
    (found,) = compute(model, x=X)
    assert (RANGE[1] < X).any() and (RANGE[0] > X).any()  # noqa: PT018
    assert found == pytest.approx(integer_product(X, *uint8_grid(*RANGE)) + BIAS, abs=1e-5)


def test_seven_bits_are_coarser_and_as_exact(layers, rewrite, compute):
    model = rewrite(layers(bias=False), DynamicProduct(), reduce_range=True)
    (found,) = compute(model, x=X)
    expected = integer_product(X, *uint8_grid(X.min(), X.max()), bits_largest=63)
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("group_size", [None, 32])
@pytest.mark.parametrize(("bits", "largest"), [(8, 127), (4, 7)])
def test_weights_alone(layers, rewrite, compute, bits, largest, group_size):
    model = rewrite(layers(), FloatProduct(), bits=bits, group_size=group_size)
    (found,) = compute(model, x=X)
    integers, scales = quantize_weights(WEIGHTS, 0, largest, group_size)
    assert found == pytest.approx(X @ (integers * scales) + BIAS, abs=1e-4)


def test_groups_of_a_long_column_have_scales_of_their_own(small_graph, rewrite, compute):
    weights = np.repeat([[1.0], [1000.0]], 32, 0).astype(np.float32) * DICE.normal(size=(64, 16))
    graph = small_graph()
    y = graph.add("MatMul", graph.input("x"), graph.constant("w", weights.astype(np.float32)))
    model = rewrite(graph.model(y), FloatProduct(), group_size=32)
    (rows,) = compute(model, x=np.eye(64, dtype=np.float32))
    assert np.abs(rows - weights)[:32].max() < np.abs(weights)[:32].max() / 127


def test_an_activation_is_quantized_once_for_all_layers_that_read_it(
    layers, rewrite, operators, compute
):
    model = rewrite(layers(3, bias=False), DynamicProduct())
    assert operators(model).count("DynamicQuantizeLinear") == 1
    assert operators(model).count("MatMulInteger") == 3
    first, _, third = compute(model, x=X)
    assert third == pytest.approx(3 * first, rel=1e-5)


def test_a_range_is_shared_where_it_is_the_same(layers, rewrite, operators, compute):
    wide = (-4.0, 4.0)
    ranges = {"layer0": RANGE, "layer1": wide, "layer2": RANGE}
    model = rewrite(layers(3), StaticProduct(), ranges=ranges)
    assert operators(model).count("QuantizeLinear") == 2
    assert operators(model).count("MatMulIntegerToFloat") == 3
    narrow, found, _ = compute(model, x=X)
    assert narrow == pytest.approx(integer_product(X, *uint8_grid(*RANGE)) + BIAS, abs=1e-5)
    expected = 2 * integer_product(X, *uint8_grid(*wide)) + BIAS
    assert found == pytest.approx(expected, abs=1e-4)


def test_a_bias_is_fused_into_the_static_product_alone(layers, rewrite, operators):
    static = rewrite(layers(), StaticProduct(), ranges={"layer0": RANGE})
    assert operators(static) == ["QuantizeLinear", "MatMulIntegerToFloat"]
    assert static.graph[-1].inputs[-1].name == "bias0"
    without = rewrite(layers(bias=False), StaticProduct(), ranges={"layer0": RANGE})
    assert len(without.graph[-1].inputs) == 5
    for product in (DynamicProduct(), FloatProduct()):
        assert operators(rewrite(layers(), product))[-2:] != ["Add", "Add"]
        assert operators(rewrite(layers(), product))[-1] == "Add"
        assert operators(rewrite(layers(bias=False), product)).count("Add") == 0


def test_a_static_product_needs_its_range(layers, rewrite):
    with pytest.raises(InputError, match="no range is known for the input of layer0"):
        rewrite(layers(), StaticProduct(), ranges={"layer1": RANGE})
