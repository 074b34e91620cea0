"""What the file of examples/smallest.yaml costs, beside BERT-base and the int8 student of 4 heads.

    .venv/bin/python benchmarks/smallest_speed.py

All weights are random: size, latency and memory do not depend on them.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification

from article_table import MINILM, make_bert_base
from tinybert.cli.main import main as tinybert
from tinybert.formats.quantize import quantize_onnx
from tinybert.modeling.load import load_tokenizer
from tinybert.run.export import export
from tinybert.steps.quantize.config import QuantizeConfig

PIECES = 7000
"""Of the vocabulary of examples/smallest.yaml; here the first ones."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/smallest-speed"))
    options = parser.parse_args()
    out = options.out
    make_bert_base(out)
    teachers = [str(out / "bert-base"), str(out / "bert-base-onnx" / "onnx" / "model.onnx")]
    files = [
        make_student(out / "int8", MINILM, 30522, 4, 1200, QuantizeConfig()),
        make_student(
            out / "int4",
            first_pieces(out / "tokenizer"),
            *(PIECES, 12, 608),
            QuantizeConfig(method="weight-only", bits=4),
        ),
    ]
    tinybert(["bench", *teachers, *map(str, files), "--threads=2", "--repeats=60"])


def first_pieces(folder: Path) -> Path:
    """MiniLM's tokenizer with the first pieces of its vocabulary."""
    shutil.rmtree(folder, ignore_errors=True)
    names = ("tokenizer.json", "tokenizer_config.json", "config.json")
    shutil.copytree(MINILM, folder, ignore=lambda _, found: set(found) - set(names))
    path = folder / "tokenizer.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    pieces = document["model"]["vocab"]
    document["model"]["vocab"] = {piece: at for piece, at in pieces.items() if at < PIECES}
    path.write_text(json.dumps(document), encoding="utf-8")
    return folder


def make_student(
    folder: Path, tokenizer: Path, pieces: int, heads: int, neurons: int, config: QuantizeConfig
) -> Path:
    """The quantized ONNX file of four layers of 312."""
    torch.manual_seed(0)
    shape = BertConfig(
        vocab_size=pieces,
        hidden_size=312,
        num_hidden_layers=4,
        num_attention_heads=heads,
        intermediate_size=neurons,
    )
    model = BertForSequenceClassification(shape).eval()
    for weight in model.parameters():  # equal tensors, as fresh biases, would be merged at export
        torch.nn.init.normal_(weight, std=0.02)
    file = export(model, load_tokenizer(tokenizer, 512), folder)["onnx"]
    quantized = file.with_stem("model_quantized")
    quantize_onnx(file, quantized, config)
    return quantized


if __name__ == "__main__":
    main()
