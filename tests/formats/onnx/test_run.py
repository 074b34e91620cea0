import shutil

import numpy as np
import onnx
import pytest

from tinybert.base.errors import InputError
from tinybert.formats.onnx.run import OnnxModel
from tinybert.formats.onnx.weights import read_tensors, read_weights

TEXTS = ["a good film", "the plot is dull and the acting is bad", ("a cat", "a dog"), ""]


@pytest.fixture
def artifact(tiny_artifact_dir, tmp_path):
    """A copy that a test may break."""
    return shutil.copytree(tiny_artifact_dir, tmp_path / "artifact")


def test_logits_are_those_of_pytorch(tiny_artifact_dir, tiny_bert_dir):
    from tinybert.modeling.torch_model import load_torch

    ours = OnnxModel(tiny_artifact_dir / "onnx/model.onnx", threads=1).logits(TEXTS)
    theirs = load_torch(tiny_bert_dir).logits(TEXTS)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_a_graph_gets_only_the_inputs_it_has(artifact):
    path = artifact / "onnx/model.onnx"
    graph = onnx.load(path)
    # A graph without token types, as a DistilBERT's is: they become a constant.
    types = next(node for node in graph.graph.input if node.name == "token_type_ids")
    graph.graph.input.remove(types)
    graph.graph.node.insert(
        0, onnx.helper.make_node("Sub", ["input_ids", "input_ids"], ["token_type_ids"])
    )
    onnx.save(graph, path)
    assert OnnxModel(path, 1).logits(TEXTS).shape == (4, 2)


def test_a_graph_with_an_input_we_do_not_know_is_refused(artifact):
    path = artifact / "onnx/model.onnx"
    graph = onnx.load(path)
    graph.graph.input.append(onnx.helper.make_tensor_value_info("pixels", 1, [1]))
    onnx.save(graph, path)
    with pytest.raises(InputError, match="pixels"):
        OnnxModel(path)


@pytest.mark.parametrize("keep", [0, 1, 1000, -1])
def test_a_cut_off_file_is_named(artifact, keep):
    path = artifact / "onnx/model.onnx"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"model\.onnx: .*whole") as caught:
        OnnxModel(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"model\.onnx"):
        read_weights(path)


@pytest.mark.parametrize("name", ["model.onnx", "model_quantized.onnx"])
def test_weights_are_read_as_the_onnx_package_reads_them(tiny_artifact_dir, name):
    path = tiny_artifact_dir / "onnx" / name
    expected = [(tensor.name, tuple(tensor.dims)) for tensor in onnx.load(path).graph.initializer]
    assert [(tensor.name, tensor.shape) for tensor in read_tensors(path)] == expected


@pytest.mark.parametrize(
    ("name", "precision"), [("model.onnx", "fp32"), ("model_quantized.onnx", "int8")]
)
def test_facts(tiny_artifact_dir, tiny_bert_dir, name, precision):
    from tinybert.modeling.torch_model import load_torch

    path = tiny_artifact_dir / "onnx" / name
    facts = OnnxModel(path).facts()
    assert (facts.format, facts.precision, facts.bytes) == (
        "onnx",
        precision,
        path.stat().st_size,
    )
    assert facts.parameters == load_torch(tiny_bert_dir).facts().parameters


def test_external_data_counts(artifact):
    path = artifact / "onnx/model.onnx"
    before = read_weights(path)
    graph = onnx.load(path)
    onnx.save(graph, path, save_as_external_data=True, location="w.data", size_threshold=1000)
    after = read_weights(path)
    assert path.stat().st_size + (path.parent / "w.data").stat().st_size == after.bytes
    assert (after.parameters, after.precision) == (before.parameters, before.precision)
    assert OnnxModel(path, 1).logits(TEXTS).shape == (4, 2)


def changed(artifact, change):
    path = artifact / "onnx/model.onnx"
    model = onnx.load(path)
    change(model.graph)
    path.write_bytes(model.SerializeToString())
    return path


def every_token(graph):
    """Makes the output that of a bare encoder, (batch, length, width)."""
    name = next(n.output[0] for n in graph.node if n.op_type == "LayerNormalization")
    graph.ClearField("output")
    graph.output.append(onnx.helper.make_tensor_value_info(name, 1, ["batch", "length", 32]))


def twice(graph):
    """Makes the outputs of two labels four."""
    name = graph.output[0].name
    graph.node.append(onnx.helper.make_node("Concat", [name, name], ["four"], axis=1))
    graph.ClearField("output")
    graph.output.append(onnx.helper.make_tensor_value_info("four", 1, ["batch", 4]))


@pytest.mark.parametrize(
    ("change", "shape"), [(twice, r"\[2, 4\]"), (every_token, r"\[2, \d, 32\]")]
)
def test_a_graph_of_other_outputs(change, shape, artifact):
    model = OnnxModel(changed(artifact, change))
    with pytest.raises(
        InputError, match=rf"model\.onnx: gives outputs of shape {shape}"
    ) as refused:
        model(["good", "bad"])
    assert "[2, 2]" in str(refused.value)


def test_a_graph_that_fails_when_it_runs(artifact):
    def reshape(graph):
        value = onnx.helper.make_tensor("five", 7, [1], [5])
        graph.initializer.append(value)
        name = graph.output[0].name
        graph.node.append(onnx.helper.make_node("Reshape", [name, "five"], ["changed"]))
        graph.ClearField("output")
        graph.output.append(onnx.helper.make_tensor_value_info("changed", 1, [5]))

    model = OnnxModel(changed(artifact, reshape))
    with pytest.raises(InputError, match=r"model\.onnx: its graph can't be run \("):
        model(["good", "bad"])


def test_int8_products_are_exact_on_every_processor(tiny_artifact_dir):
    """Those of x86 without VNNI saturate unless they are asked not to: other answers there."""
    model = OnnxModel(tiny_artifact_dir / "onnx/model_quantized.onnx")
    options = model._session.get_session_options()
    assert options.get_session_config_entry("session.x64quantprecision") == "1"
