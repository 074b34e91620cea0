"""Our int8 files beside ready-made ones, interleaved, at several sizes, and against the floor.

    .venv/bin/pip install --target /tmp/nncf nncf
    PYTHONPATH=/tmp/nncf .venv/bin/python benchmarks/int8_speed.py [--heads 4] [--threads 2]

Ready-made are dynamic int8 of `transformers.exporters` in ONNX Runtime, and plain NNCF static int8
of its fp32 file in OpenVINO (left out where NNCF is missing). The student is TinyBERT's 4x312 with
random weights, on which speed does not depend. The floor is the time that the multiplications of
all its layers take for all positions (ours leave some out) if they run as fast as one large int8
product of OpenVINO on the same threads.
"""

import argparse
import importlib.util
import logging
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino
import openvino.opset13 as ops
import torch
from transformers import BertForSequenceClassification, BertTokenizerFast

from int8_vs_exporters import export_theirs, make_student
from tinybert.formats.quantize import quantize_artifact
from tinybert.measure.bench import bench
from tinybert.run.export import export
from tinybert.steps.quantize.activations import measure_ranges
from tinybert.steps.quantize.attention import measure_attention
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.quantize.fake import linear_layers
from tinybert.steps.quantize.note import QUANTIZATION_KEY, QuantizationNote

SIZES = ((1, 128), (1, 256), (8, 64))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--heads", type=int, default=4, choices=[4, 12])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=300)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    student = make_student(options.heads)
    with tempfile.TemporaryDirectory() as temporary:
        fp32, int8 = export_theirs(student, Path(temporary, "theirs"))
        files = {"exporters, ONNX Runtime": int8}
        files |= export_ours(student, Path(temporary, "ours"))
        if importlib.util.find_spec("nncf") is not None:
            files["NNCF, OpenVINO"] = export_nncf(fp32, Path(temporary, "ours/openvino"))
        peak = int8_peak(options.threads)
        for batch, length in SIZES:
            result = bench(
                [str(file) for file in files.values()],
                batch=batch,
                length=length,
                threads=options.threads,
                repeats=options.repeats,
            )
            floor = 1e3 * multiplications(student, batch, length) / peak
            first = result.models[0].latency_ms
            print(f"\n{batch} x {length} tokens; floor {floor:.2f} ms; {result.machine}")
            for name, row in zip(files, result.models, strict=True):
                print(
                    f"{name:28}{row.latency_ms:8.2f} ms  {row.latency_ms / first:5.2f} of the "
                    f"first  {row.latency_ms / floor:5.1f} floors  {row.bytes:12,} bytes"
                )


def export_ours(student: BertForSequenceClassification, folder: Path) -> dict[str, Path]:
    torch.manual_seed(0)
    ids = torch.randint(student.config.vocab_size, (16, 128))
    batches = [{"input_ids": ids, "attention_mask": torch.ones_like(ids)}]
    static = QuantizeConfig(method="static")
    note = QuantizationNote.of(static, measure_ranges(student, batches, linear_layers(student)))
    note = replace(note, attention=measure_attention(student, batches))
    setattr(student.config, QUANTIZATION_KEY, note.as_json())
    vocabulary = {f"[{number}]": number for number in range(student.config.vocab_size)}
    paths = export(student, BertTokenizerFast(vocab=vocabulary), folder, ["onnx", "openvino"])
    files = {
        "dynamic, ONNX Runtime": (paths["onnx"].with_name("dynamic.onnx"), QuantizeConfig()),
        "static, ONNX Runtime": (paths["onnx"].with_name("static.onnx"), static),
        "static, OpenVINO": (paths["openvino"].with_name("static.xml"), static),
    }
    for target, config in files.values():
        source = paths["openvino" if target.suffix == ".xml" else "onnx"]
        quantize_artifact(source, target, config)
    return {name: target for name, (target, _) in files.items()}


def export_nncf(source: Path, folder: Path) -> Path:
    import nncf

    model = openvino.convert_model(source)
    generator = np.random.default_rng(0)

    def sample(_: int) -> dict[str, np.ndarray]:
        ids = generator.integers(0, 30000, (1, 128))
        return {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }

    data = nncf.Dataset(range(32), sample)
    quantized = nncf.quantize(model, data, model_type=nncf.ModelType.TRANSFORMER)
    openvino.save_model(quantized, folder / "nncf.xml")
    return folder / "nncf.xml"


def multiplications(student: BertForSequenceClassification, batch: int, length: int) -> float:
    config = student.config
    width, inner = config.hidden_size, config.intermediate_size
    layer = 4 * width * width + 2 * width * inner + 2 * width * length
    return float(config.num_hidden_layers * layer * batch * length)


def int8_peak(threads: int, size: int = 2048) -> float:
    """Multiplications a second of one large int8 product."""
    values = ops.parameter([size, size], np.float32)
    weights = ops.constant(np.random.default_rng(0).integers(-127, 127, (size, size), np.int8))
    product = ops.matmul(
        ops.fake_quantize(values, -1.0, 1.0, -1.0, 1.0, 256),
        ops.multiply(ops.convert(weights, "f32"), np.full((1, size), 0.01, np.float32)),
        False,
        False,
    )
    model = openvino.Model([product], [values])
    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()
    inputs = np.random.default_rng(0).random((size, size), np.float32)
    seconds = []
    for _ in range(8):
        start = time.perf_counter()
        request.infer([inputs])
        seconds.append(time.perf_counter() - start)
    return size**3 / min(seconds)


if __name__ == "__main__":
    main()
