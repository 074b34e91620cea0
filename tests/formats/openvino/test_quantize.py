"""Int8 OpenVINO models: as the int8 ONNX file of the same ranges computes."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

import tinybert
from tiny_models import tiny_model_dir
from tinybert.base.errors import InputError
from tinybert.formats.load import open_artifact
from tinybert.formats.openvino.quantize import quantize as quantize_openvino
from tinybert.measure.info import describe
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.quantize.note import QuantizationNote

openvino = pytest.importorskip("openvino")

TARGETS = ["onnx", "openvino"]

SHARED = 0.03
"""OpenVINO stores equal constants once: the biases of a model that was never trained are all 0."""


@pytest.fixture(scope="module")
def run(quick_bench, recipe, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    # With 7 bits, for on x86 without VNNI OpenVINO's sums of products of 8 bits saturate.
    quantize = {"method": "static", "calibration_rows": 40, "reduce_range": True}
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
    sums = (out / "manifest.json").read_text()
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


def test_it_computes_what_the_onnx_file_does(run, reviews, tmp_path):
    """Where attention's own products stay float, as they do in ONNX files."""
    note = QuantizationNote.read(json.loads((run[0] / "config.json").read_text()), run[0])
    config = QuantizeConfig(method="static", attention=False, reduce_range=True)
    target = tmp_path / "model.xml"
    quantize_openvino(run[0] / "openvino/model.xml", target, config, replace(note, attention={}))
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(run[0] / name, tmp_path)
    texts = [row["sentence"] for row in reviews]
    files = (run[0] / "onnx/model_quantized.onnx", target, run[0] / "onnx/model.onnx")
    onnx, ours, fp32 = (open_artifact(file, None).logits(texts) for file in files)
    # A float's last bit may flip a rounding, so single rows may be a step apart.
    assert np.median(np.abs(ours - onnx)) < 1e-4
    assert np.abs(ours - onnx).max() < 0.05
    assert (ours.argmax(1) == onnx.argmax(1)).all()
    assert np.abs(ours - fp32).max() > 1e-4, "nothing was quantized"
    assert products_of_activations(target) == []


def test_products_of_attention_are_integers_too(run, reviews):
    """By all marks: probabilities from 0 to 1, the others symmetric; the logits hardly change.

    But for the last layer's, of one query: OpenVINO makes one operation of them.
    """
    path = run[0] / "openvino/model_quantized.xml"
    factors = products_of_activations(path)
    assert len(factors) == 4, "queries with keys and probabilities with values, in the first layer"
    ends = [
        [node.input_value(at).get_node().get_data().item() for at in (1, 2)] for node in factors
    ]
    sized = [(low, high) for low, high in ends if low != 0]
    assert len(sized) == 3
    assert all(low == pytest.approx(-high * 128 / 127) for low, high in sized)
    assert [high for low, high in ends if low == 0] == [1.0]
    texts = [row["sentence"] for row in reviews]
    ours, fp32 = (
        open_artifact(run[0] / name, None).logits(texts)
        for name in ("openvino/model_quantized.xml", "openvino/model.xml")
    )
    assert np.abs(ours - fp32).mean() < 0.05


@pytest.mark.parametrize("kind", ["distilbert", "electra"])
def test_attention_of_other_families(kind, quick_bench, recipe, reviews, tmp_path):
    """Those whose queries go as they are into the product with their keys."""
    teacher = tiny_model_dir(kind, tmp_path / "teacher")
    quantize = {"method": "static", "calibration_rows": 40, "reduce_range": True}
    changed = recipe(teacher=str(teacher), steps=[{"quantize": quantize}], export=["openvino"])
    tinybert.compress(changed, tmp_path / "out")
    folder = tmp_path / "out/openvino"
    assert products_of_activations(folder / "model_quantized.xml")
    texts = [row["sentence"] for row in reviews]
    names = ("model_quantized.xml", "model.xml")
    ours, fp32 = (open_artifact(folder / name, None).logits(texts) for name in names)
    assert np.abs(ours - fp32).mean() < 0.2 * fp32.std()


def products_of_activations(path):
    """The marked factors of products without weights."""
    factors = []
    for node in openvino.Core().read_model(path).get_ops():
        if node.get_type_name() == "MatMul":
            nodes = [value.get_node() for value in node.input_values()]
            while any(each.get_type_name() in ("Reshape", "Transpose") for each in nodes):
                nodes = [
                    each.input_value(0).get_node()
                    if each.get_type_name() in ("Reshape", "Transpose")
                    else each
                    for each in nodes
                ]
            factors += nodes if all(n.get_type_name() == "FakeQuantize" for n in nodes) else []
    return factors


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
    assert "openvino" not in (tmp_path / "out/manifest.json").read_text()
