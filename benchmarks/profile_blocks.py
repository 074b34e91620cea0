"""Makes the models that `tinybert profile` times: src/tinybert/measure/blocks.zip.

.venv/bin/python benchmarks/profile_blocks.py

Each is exported and quantized as a search's candidates are, and has weights that repeat after a few
thousand, so that a megabyte holds all of them. How fast a product of matrices is does not depend on
the numbers in them.
"""

import json
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from tokenizers import Tokenizer, models
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from tinybert.formats.export import write_artifacts
from tinybert.formats.quantize import quantize_artifact
from tinybert.formats.registry import QUANTIZED
from tinybert.measure import profile
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.quantize.step import assume_ranges

KINDS = {
    "fp32": None,
    "int8-dynamic": QuantizeConfig(method="dynamic"),
    "int8-static": QuantizeConfig(method="static"),
    "int4": QuantizeConfig(method="weight-only", bits=4),
    "int2": QuantizeConfig(method="qat", bits=2, activations=False),
}

SHAPES = [
    (4, 256, 4, 1024),  # the reference
    (1, 128, 2, 512),
    (2, 128, 4, 256),
    (6, 192, 3, 768),
    (2, 312, 12, 1200),
    (4, 312, 4, 512),
    (6, 384, 12, 1536),
    (2, 384, 4, 384),
    (3, 512, 8, 1024),
    (2, 768, 12, 3072),
    (3, 768, 12, 512),
]
"""Layers, width, heads, neurons."""

PERIOD = 1024
"""Bytes after which weights repeat."""

PIECES, POSITIONS = 128, 512


def main() -> None:
    pieces = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(pieces, "[UNK]")), pad_token="[PAD]"
    )
    blocks = []
    path = Path(profile.__file__).with_name(profile.BLOCKS)
    with (
        TemporaryDirectory() as folder,
        zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive,
    ):
        for layers, width, heads, neurons in SHAPES:
            config = BertConfig(
                vocab_size=PIECES,
                num_hidden_layers=layers,
                hidden_size=width,
                num_attention_heads=heads,
                intermediate_size=neurons,
                max_position_embeddings=POSITIONS,
            )
            shape = {
                "layers": layers,
                "hidden_size": width,
                "attention_heads": heads,
                "intermediate_size": neurons,
            }
            for kind, quantize in KINDS.items():
                model = BertForSequenceClassification(config).eval()
                if quantize is not None:
                    assume_ranges(quantize, model)
                made = write_artifacts(model, tokenizer, Path(folder), ["onnx"])["onnx"]
                if quantize is not None:
                    target = made.with_stem(made.stem + QUANTIZED)
                    made = quantize_artifact(made, target, quantize)[0]
                name = f"{kind}-{layers}x{width}-{heads}-{neurons}.onnx"
                archive.writestr(name, repeated(made))
                blocks.append({"file": name, "kind": kind, **shape})
        config = {"model_type": "bert", "vocab_size": PIECES, "max_position_embeddings": POSITIONS}
        archive.writestr("blocks.json", json.dumps({"config": config, "blocks": blocks}, indent=1))
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, {len(blocks)} models")


def repeated(path: Path) -> bytes:
    """A model whose weights, those of a type alike, repeat again and again.

    Zero points stay, as kernels look whether they are 0, and so do indices.
    """
    model = onnx.load(path)
    dice = np.random.default_rng(0)
    floats = dice.uniform(0.01, 0.05, PERIOD // 4).astype(np.float32).tobytes()
    others = dice.integers(0, 256, PERIOD, np.uint8).tobytes()
    for weight in model.graph.initializer:
        is_float = weight.data_type == onnx.TensorProto.FLOAT
        size = len(weight.raw_data)
        index = weight.data_type in (onnx.TensorProto.INT64, onnx.TensorProto.INT32)
        if size > PERIOD and (is_float or len(weight.dims) > 1) and not index:
            weight.raw_data = ((floats if is_float else others) * (size // PERIOD + 1))[:size]
    return model.SerializeToString()


if __name__ == "__main__":
    main()
