import onnx
import onnxruntime
from transformers import AutoTokenizer

from tinybert.formats.onnx.convert import convert
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
