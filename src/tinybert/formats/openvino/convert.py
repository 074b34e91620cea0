"""BERT-family models to OpenVINO's own format, by way of our ONNX graph."""

import os
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tinybert.formats.onnx.convert import convert_whole


def convert(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, path: Path) -> None:
    """Writes the model as `path`, the graph, and `path` + ".bin", its weights in fp32.

    Args:
        model: An encoder with a head whose output is called logits.
        tokenizer: Says which inputs a text gives.
        path: The file to write.
    """
    import openvino

    with TemporaryDirectory(dir=path.parent) as folder:
        source = Path(folder) / "model.onnx"
        convert_whole(model, tokenizer, source)
        # Not its path: a comma in that would be taken for the end of a first path.
        content = source.read_bytes()
        converted = openvino.convert_model(BytesIO(content))
        _name_ends(converted, content)
        save_ir(converted, path)


def _name_ends(model: Any, source: bytes) -> None:
    """Calls a layer that gives an output itself as the ONNX graph does, not as the output.

    By its name is known which layer it is; the output keeps its own.
    """
    import onnx

    made_by = {
        name: node for node in onnx.load_from_string(source).graph.node for name in node.output
    }
    for result in model.get_results():
        end = result.input_value(0).get_node()
        node = made_by.get(end.get_friendly_name())
        if node is not None and node.op_type == "MatMul" and end.get_type_name() == "MatMul":
            end.set_friendly_name(node.name)


def save_ir(model: Any, path: Path) -> None:
    """Writes an `openvino.Model`; see `convert` for the files."""
    import openvino

    with TemporaryDirectory(dir=path.parent) as folder:
        graph = Path(folder) / "model.xml"  # OpenVINO insists on the suffix
        openvino.save_model(model, graph, compress_to_fp16=False)
        os.replace(graph.with_suffix(".bin"), f"{path}.bin")
        os.replace(graph, path)
