import json
import math

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import onnxruntime
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tinybert.base.errors import InputError
from tinybert.formats.load import load
from tinybert.formats.onnx.convert import convert
from tinybert.formats.onnx.weights import read_tensors, read_weights
from tinybert.formats.quantize import quantize_onnx
from tinybert.run.export import export
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.quantize.note import QuantizationNote


@pytest.fixture(scope="module")
def fp32(tiny_bert_dir, tmp_path_factory):
    path = tmp_path_factory.mktemp("fp32") / "model.onnx"
    model = AutoModelForSequenceClassification.from_pretrained(tiny_bert_dir)
    convert(model, AutoTokenizer.from_pretrained(tiny_bert_dir), path)
    return path


@pytest.fixture(scope="module")
def int8(fp32, tmp_path_factory):
    path = tmp_path_factory.mktemp("int8") / "model_quantized.onnx"
    quantize_onnx(fp32, path)
    return path


def graph_of(weights, op_type, **attributes):
    """One node of `x` and a stored matrix, with a bias for a Gemm."""
    kind = onnx.TensorProto.INT64 if op_type == "Gather" else onnx.TensorProto.FLOAT
    stored = [onnx.numpy_helper.from_array(weights, "weights")]
    inputs = ["weights", "x"] if op_type == "Gather" else ["x", "weights"]
    if op_type == "Gemm":
        columns = weights.shape[0 if attributes.get("transB") else 1]
        stored.append(onnx.numpy_helper.from_array(np.full(columns, 2, np.float32), "bias"))
        inputs.append("bias")
    node = onnx.helper.make_node(op_type, inputs, ["y"], **attributes)
    ends = [
        onnx.helper.make_tensor_value_info("x", kind, ["rows", "columns"]),
        onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None),
    ]
    graph = onnx.helper.make_graph([node], "graph", ends[:1], ends[1:], stored)
    opset = [onnx.helper.make_opsetid("", 20)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=10)


def session_of(path):
    """As our runtime opens a file: int8 products are exact on every processor."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(path, options)


def quantized_run(model, x, folder):
    onnx.save(model, folder / "fp32.onnx")
    quantize_onnx(folder / "fp32.onnx", folder / "int8.onnx")
    return session_of(folder / "int8.onnx").run(None, {"x": x})[0]


def features(batch, length):
    rng = np.random.default_rng(1)
    return {
        "input_ids": rng.integers(5, 150, (batch, length)),
        "attention_mask": np.ones((batch, length), dtype=np.int64),
        "token_type_ids": np.zeros((batch, length), dtype=np.int64),
    }


def run(path, batch):
    return session_of(path).run(["logits"], batch)[0]


def test_int8_is_near_fp32_at_any_shape(fp32, int8):
    for shape in ((1, 1), (1, 9), (16, 33)):
        batch = features(*shape)
        expected, logits = run(fp32, batch), run(int8, batch)
        assert np.abs(logits - expected).max() < 0.1 * np.abs(expected).max()


def test_the_file_is_smaller_and_all_that_counts_is_int8(fp32, int8):
    assert int8.stat().st_size < 0.5 * fp32.stat().st_size
    stored = onnx.load(int8).graph.initializer
    floats = [t for t in stored if t.data_type == onnx.TensorProto.FLOAT and len(t.dims) == 2]
    assert all(min(tensor.dims) < 16 for tensor in floats)
    assert {node.domain for node in onnx.load(int8).graph.node} <= {"", "ai.onnx"}


def test_padding_changes_a_row_by_less_than_int8_does(fp32, int8):
    alone = features(1, 9)
    padded = {name: np.pad(values, ((0, 0), (0, 20))) for name, values in alone.items()}
    # Padding may widen the range that an activation is quantized by: equal up to rounding.
    change = np.abs(run(int8, padded) - run(int8, alone)).max()
    assert change < 0.1 * np.abs(run(fp32, alone)).max()


def test_embeddings_can_stay_float(fp32, tmp_path):
    quantize_onnx(fp32, tmp_path / "m.onnx", QuantizeConfig(embeddings=False))
    tables = {tensor.name for tensor in onnx.load(tmp_path / "m.onnx").graph.initializer}
    assert any(name.endswith("word_embeddings.weight") for name in tables)


def test_a_row_of_a_table_errs_by_half_its_own_step(tmp_path):
    rng = np.random.default_rng(0)
    table = rng.normal(size=(50, 32)).astype(np.float32)
    table[7] *= 100  # one wide row must not cost the others their precision
    ids = np.arange(50).reshape(5, 10)
    rows = quantized_run(graph_of(table, "Gather", axis=0), ids, tmp_path).reshape(50, 32)
    step = np.abs(table).max(axis=1, keepdims=True) / 127
    assert (np.abs(rows - table) <= step / 2 * 1.001).all()


@pytest.mark.parametrize(
    ("op_type", "attributes"), [("MatMul", {}), ("Gemm", {}), ("Gemm", {"transB": 1})]
)
def test_products_err_little_though_columns_differ_a_thousandfold(op_type, attributes, tmp_path):
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(64, 48)).astype(np.float32) * np.logspace(-3, 0, 48, dtype="f")
    x = rng.normal(size=(20, 64)).astype(np.float32)
    expected = x @ weights + (2 if op_type == "Gemm" else 0)
    stored = np.ascontiguousarray(weights.T) if attributes else weights
    y = quantized_run(graph_of(stored, op_type, **attributes), x, tmp_path)
    # 7 bits of range for each column; errors of 64 products average out.
    assert (np.abs(y - expected).max(axis=0) < 0.05 * np.abs(x @ weights).max(axis=0)).all()


def test_a_scaled_gemm_is_left_alone(tmp_path):
    weights = np.ones((32, 32), dtype=np.float32)
    onnx.save(graph_of(weights, "Gemm", alpha=0.5), tmp_path / "m.onnx")
    with pytest.raises(InputError, match="no float weights"):
        quantize_onnx(tmp_path / "m.onnx", tmp_path / "int8.onnx")
    assert not (tmp_path / "int8.onnx").exists()


def test_a_file_is_not_quantized_twice(int8, tmp_path):
    with pytest.raises(InputError, match="no float weights"):
        quantize_onnx(int8, tmp_path / "again.onnx")


@pytest.fixture(scope="module")
def float_reference(tiny_bert_dir):
    """The logits of the tiny BERT fake-quantized by a note."""
    from tinybert.steps.quantize.fake import fake_quantize

    def run_reference(note, batch):
        model = AutoModelForSequenceClassification.from_pretrained(tiny_bert_dir).eval()
        fake_quantize(model, note)
        with torch.no_grad():
            return model(**{k: torch.from_numpy(v) for k, v in batch.items()}).logits.numpy()

    return run_reference


@pytest.mark.parametrize("group_size", [None, 32])
@pytest.mark.parametrize("bits", [8, 4])
def test_weights_alone_make_a_file_small_and_compute_in_float(
    bits, group_size, fp32, float_reference, tmp_path
):
    config = QuantizeConfig(method="weight-only", bits=bits, group_size=group_size)
    quantize_onnx(fp32, tmp_path / "m.onnx", config)
    batch = features(3, 17)
    expected = float_reference(QuantizationNote.of(config), batch)
    assert np.abs(run(tmp_path / "m.onnx", batch) - expected).max() < 1e-4
    weights = read_weights(tmp_path / "m.onnx")
    assert weights.precision == f"int{bits}"
    assert weights.parameters == read_weights(fp32).parameters


def test_four_bits_take_half_of_the_bytes_of_eight(fp32, tmp_path):
    sizes = {}
    for bits in (8, 4):
        path = tmp_path / f"{bits}.onnx"
        quantize_onnx(fp32, path, QuantizeConfig(method="weight-only", bits=bits))
        quantized = read_tensors(path)
        sizes[bits] = sum(math.prod(t.shape) for t in quantized if t.precision == f"int{bits}")
        sizes[f"{bits} file"] = path.stat().st_size
    assert sizes[8] == sizes[4]
    saved = sizes["8 file"] - sizes["4 file"]
    assert saved == pytest.approx(sizes[8] / 2, rel=0.05)


def test_four_bits_with_integer_products(fp32, tmp_path):
    quantize_onnx(fp32, tmp_path / "m.onnx", QuantizeConfig(bits=4))
    batch = features(2, 9)
    expected = run(fp32, batch)
    assert np.abs(run(tmp_path / "m.onnx", batch) - expected).max() < np.abs(expected).max()
    assert read_weights(tmp_path / "m.onnx").precision == "int4"


def test_static_needs_a_model_that_was_calibrated(fp32, tmp_path):
    (fp32.parent / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(InputError, match=r"config\.json: has no 'tinybert_quantization'"):
        quantize_onnx(fp32, tmp_path / "m.onnx", QuantizeConfig(method="static"))
    note = QuantizationNote.of(QuantizeConfig(method="static"), {"another.layer": (-1.0, 1.0)})
    config = {"tinybert_quantization": note.as_json()}
    (fp32.parent / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"no range is known for the input of bert\.encoder"):
        quantize_onnx(fp32, tmp_path / "m.onnx", QuantizeConfig(method="static"))
    assert not (tmp_path / "m.onnx").exists()


def test_in_an_exported_folder_its_checksum_is_noted(tiny_bert_dir, tmp_path):
    model = AutoModelForSequenceClassification.from_pretrained(tiny_bert_dir)
    source = export(model, AutoTokenizer.from_pretrained(tiny_bert_dir), tmp_path)["onnx"]
    target = source.with_name("model_quantized.onnx")
    for config in (None, QuantizeConfig(method="weight-only")):
        quantize_onnx(str(source), str(target), config)
        assert load(target)(["a film"])[0]["scores"]
    target.write_bytes(target.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match="damaged"):
        load(target)


def test_four_bits_need_operators_that_know_them(tmp_path):
    model = graph_of(np.ones((64, 64), np.float32), "MatMul")
    model.opset_import[0].version = 14
    onnx.save(model, tmp_path / "old.onnx")
    with pytest.raises(InputError, match=r"old.onnx: has opset 14, and 4 bits need 20"):
        quantize_onnx(
            tmp_path / "old.onnx",
            tmp_path / "new.onnx",
            QuantizeConfig(method="weight-only", bits=4),
        )
    assert not (tmp_path / "new.onnx").exists()
