import onnx
import onnxruntime
from transformers import AutoTokenizer

from tinybert.export.onnx import convert


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
