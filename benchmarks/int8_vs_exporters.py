"""Our fp32 and int8 ONNX files beside those of `transformers.exporters`, in one interleaved run.

    python benchmarks/int8_vs_exporters.py [--heads 4] [--threads 2] [--length 128]

The student is TinyBERT's 4x312 with random weights, on which neither speed nor size depends.
Ends with 1 if our int8 file is slower or larger than theirs.
"""

import argparse
import logging
import sys
import tempfile
import warnings
from importlib import metadata
from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast
from transformers.exporters import (
    OnnxConfig,
    OnnxExporter,
    OnnxRuntimeDynamicConfig,
    OnnxRuntimeQuantizer,
)

from tinybert.formats.load import open_artifact
from tinybert.formats.parity import self_check
from tinybert.formats.quantize import quantize_onnx
from tinybert.measure.bench import bench
from tinybert.run.export import export


def make_student(heads: int) -> BertForSequenceClassification:
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=312, num_hidden_layers=4, num_attention_heads=heads, intermediate_size=1200
    )
    student = BertForSequenceClassification(config).eval()
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(
                0.01 * torch.randn_like(parameter)
            )  # no two tensors alike, as if trained
    return student


def export_ours(student: BertForSequenceClassification, folder: Path) -> tuple[Path, Path]:
    vocabulary = {f"[{number}]": number for number in range(student.config.vocab_size)}
    fp32 = export(student, BertTokenizerFast(vocab=vocabulary), folder)["onnx"]
    int8 = fp32.with_name("model_quantized.onnx")
    quantize_onnx(fp32, int8)
    return fp32, int8


def export_theirs(student: BertForSequenceClassification, folder: Path) -> tuple[Path, Path]:
    quantizer = OnnxRuntimeQuantizer(OnnxRuntimeDynamicConfig())
    files = []
    for name, config in {
        "fp32": OnnxConfig(dynamic=True),
        "int8": OnnxConfig(dynamic=True, quantizer=quantizer),
    }.items():
        # A tensor each: one given twice is traced as one input, and the graph is wrong.
        inputs = {
            "input_ids": torch.randint(student.config.vocab_size, (2, 16)),
            "attention_mask": torch.ones(2, 16, dtype=torch.int64),
            "token_type_ids": torch.zeros(2, 16, dtype=torch.int64),
        }
        OnnxExporter().export(student, inputs, config=config).save_pretrained(folder / name)
        files.append(folder / name / "model.onnx")
    # As `export` does with ours: a file that computes something else is no peer.
    self_check(open_artifact(files[0], threads=None), student)
    return files[0], files[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--heads", type=int, default=4, choices=[4, 12])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=300)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    student = make_student(options.heads)
    with tempfile.TemporaryDirectory() as temporary:
        files = [
            *export_theirs(student, Path(temporary, "theirs")),
            *export_ours(student, Path(temporary, "ours")),
        ]
        result = bench(
            [str(file) for file in files],
            length=options.length,
            threads=options.threads,
            repeats=options.repeats,
        )
    names = ("exporters fp32", "exporters int8", "tinybert fp32", "tinybert int8")
    versions = {package: metadata.version(package) for package in ("onnx", "onnxscript")}
    print(result.machine | versions)
    print(f"BERT 4x312, {options.heads} heads, FFN 1200; batch 1, {options.length} tokens")
    for name, row in zip(names, result.models, strict=True):
        print(
            f"{name:16}{row.latency_ms:9.2f} ms  p95 {row.latency_p95_ms:7.2f}{row.bytes:12,} bytes"
        )
    theirs, ours = result.models[1], result.models[3]
    print(
        f"int8, ours / theirs: {ours.latency_ms / theirs.latency_ms:.2f} of the time, "
        f"{ours.bytes / theirs.bytes:.3f} of the bytes"
    )
    return int(ours.latency_ms > theirs.latency_ms or ours.bytes > theirs.bytes)


if __name__ == "__main__":
    sys.exit(main())
