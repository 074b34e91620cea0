"""Int8 OpenVINO models: as the int8 ONNX file of the same ranges computes."""

import numpy as np
import pytest

import tinybert
from tinybert.errors import InputError
from tinybert.measure.info import describe
from tinybert.runtime.load import open_artifact

openvino = pytest.importorskip("openvino")

TARGETS = ["onnx", "openvino"]

SHARED = 0.03
"""OpenVINO stores equal constants once: the biases of a model that was never trained are all 0."""


@pytest.fixture(scope="module")
def run(quick_bench, recipe, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    quantize = {"method": "static", "calibration_rows": 40}
    changed = recipe(steps=[{"quantize": quantize}], export=TARGETS)
    return out, tinybert.compress(changed, out).report


def test_all_artifacts_are_measured(run):
    out, report = run
    assert {item["path"]: item["precision"] for item in report["artifacts"]} == {
        "onnx/model.onnx": "fp32",
        "onnx/model_quantized.onnx": "int8",
        "openvino/model.xml": "fp32",
        "openvino/model_quantized.xml": "int8",
    }
    by_path = {item["path"]: item for item in report["artifacts"]}
    fp32, int8 = by_path["openvino/model.xml"], by_path["openvino/model_quantized.xml"]
    assert int8["bytes"] < fp32["bytes"]
    onnx = by_path["onnx/model_quantized.onnx"]
    assert int8["parameters"] == pytest.approx(onnx["parameters"], rel=SHARED)
    sums = (out / "checksums.json").read_text()
    assert all(f"openvino/model_quantized.{suffix}" in sums for suffix in ("xml", "bin"))


def test_info_tells_its_parts(run):
    ours, onnx = (
        describe(run[0] / name)
        for name in ("openvino/model_quantized.xml", "onnx/model_quantized.onnx")
    )
    assert (ours["format"], ours["precision"]) == ("openvino", "int8")
    for part in ("embeddings", "attention", "feed_forward"):
        parameters = [info["components"][part]["parameters"] for info in (ours, onnx)]
        assert parameters[0] == pytest.approx(parameters[1], rel=SHARED)


def test_it_computes_what_the_onnx_file_does(run, reviews):
    texts = [row["sentence"] for row in reviews]
    names = ("onnx/model_quantized.onnx", "openvino/model_quantized.xml", "onnx/model.onnx")
    onnx, ours, fp32 = (open_artifact(run[0] / name, None).logits(texts) for name in names)
    # A float's last bit may flip a rounding, so single rows may be a step apart.
    assert np.median(np.abs(ours - onnx)) < 1e-4
    assert np.abs(ours - onnx).max() < 0.05
    assert (ours.argmax(1) == onnx.argmax(1)).all()
    assert np.abs(ours - fp32).max() > 1e-4, "nothing was quantized"


def test_every_layer_multiplies_integers(run):
    """The plugin compiles a product of two int8 inputs only where both are marked as such."""
    model = openvino.Core().read_model(run[0] / "openvino/model_quantized.xml")
    products = [node for node in model.get_ops() if node.get_type_name() == "MatMul"]
    of_weights = [
        node
        for node in products
        if node.input_value(1).get_node().get_type_name() == "Multiply"
        and node.input_value(1).get_node().input_value(0).get_node().get_type_name() == "Convert"
    ]
    inputs = {node.input_value(0).get_node().get_type_name() for node in of_weights}
    assert inputs == {"FakeQuantize"}
    assert len(of_weights) == 2 * 6 + 1  # two layers and the pooler


@pytest.mark.parametrize(
    ("quantize", "says"),
    [({}, "dynamic is not for OpenVINO"), ({"method": "static", "bits": 4}, "bits: 4 is not for")],
)
def test_what_it_can_not_have_is_refused_first(recipe, tmp_path, quantize, says):
    changed = recipe(steps=[{"quantize": quantize}], export=TARGETS)
    with pytest.raises(InputError, match=rf"steps\.0\.quantize: .*{says}"):
        tinybert.compress(changed, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_target_that_is_no_longer_asked_for_goes(quick_bench, recipe, tmp_path):
    for targets in (TARGETS, ["onnx"]):
        tinybert.compress(recipe(steps=[], export=targets), tmp_path / "out")
    assert (tmp_path / "out/onnx/model.onnx").exists()
    assert not (tmp_path / "out/openvino").exists()
    assert "openvino" not in (tmp_path / "out/checksums.json").read_text()
