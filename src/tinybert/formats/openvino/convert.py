"""BERT-family models to OpenVINO's own format, by way of our ONNX graph."""

import os
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tinybert.formats.onnx import convert as onnx


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
        onnx.convert_whole(model, tokenizer, source)
        # Not its path: a comma in that would be taken for the end of a first path.
        save_ir(openvino.convert_model(BytesIO(source.read_bytes())), path)


def save_ir(model: Any, path: Path) -> None:
    """Writes an `openvino.Model`; see `convert` for the files."""
    import openvino

    with TemporaryDirectory(dir=path.parent) as folder:
        graph = Path(folder) / "model.xml"  # OpenVINO insists on the suffix
        openvino.save_model(model, graph, compress_to_fp16=False)
        os.replace(graph.with_suffix(".bin"), f"{path}.bin")
        os.replace(graph, path)
