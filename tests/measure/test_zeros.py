import pytest
import torch

from tinybert.formats.quantize import quantize_onnx
from tinybert.measure.info import describe, info_text
from tinybert.measure.zeros import sparsity
from tinybert.modeling.load import load_model, load_tokenizer, save_model
from tinybert.run.export import export
from tinybert.steps.prune.sparse import Zeros, sparse_bytes


@pytest.fixture
def model(tiny_bert_dir, tiny_context):
    return load_model(tiny_bert_dir, tiny_context().task)


def test_a_model_without_zeros(tiny_bert_dir, tiny_artifact_dir):
    for path in (tiny_bert_dir, tiny_artifact_dir):
        info = describe(path)
        assert info["zeros"] is None
        assert "packed" not in info_text(info)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_folder(model, tiny_context, tmp_path, dtype):
    with Zeros(model, share=0.75, embeddings=True) as zeros:
        zeros.prune_to(1.0)
    model.to(dtype)
    save_model(model, tiny_context().tokenizer, tmp_path / "model")
    info = describe(tmp_path / "model")
    matrices = [weight for weight in model.parameters() if weight.dim() > 1]
    count = sum(weight.numel() for weight in matrices)
    share = sum(int((weight == 0).sum()) for weight in matrices) / count
    assert info["zeros"]["share"] == pytest.approx(share, abs=1e-4)
    assert info["zeros"]["share"] > 0.5
    dense = dtype.itemsize * model.num_parameters()
    assert info["bytes"] - info["zeros"]["packed_bytes"] == dense - sparse_bytes(model)
    assert "are 0" in info_text(info)


def test_artifacts_keep_zeros(model, tiny_bert_dir, tmp_path):
    with Zeros(model, share=0.75, embeddings=True) as zeros:
        zeros.prune_to(1.0)
    path = export(model, load_tokenizer(tiny_bert_dir), tmp_path, ["onnx"])["onnx"]
    quantize_onnx(path, tmp_path / "onnx/int8.onnx")
    fp32, int8 = sparsity(path), sparsity(tmp_path / "onnx/int8.onnx")
    assert fp32["share"] > 0.5
    assert int8["share"] >= 0.95 * fp32["share"]
    assert fp32["saved_bytes"] == 4 * model.num_parameters() - sparse_bytes(model)
    assert describe(path)["zeros"]["packed_bytes"] == path.stat().st_size - fp32["saved_bytes"]
