"""What it saves that the last layer computes the position alone that the head reads.

    .venv/bin/python benchmarks/first_position.py [--threads 2]

A student with random weights is exported as it is and with its last layer whole, and both files are
timed in turns. Then steps of a training on logits alone are, likewise.
"""

import argparse
import contextlib
import logging
import statistics
import tempfile
import time
import warnings
from pathlib import Path
from unittest.mock import patch

import torch
from transformers import BertConfig, BertForSequenceClassification

from int8_speed import export_ours
from tinybert.measure.bench import bench
from tinybert.measure.machine import describe_machine
from tinybert.modeling.last_layer import first_position_alone
from tinybert.training.precision import native_bf16

SHAPES = ((4, 312, 1200), (2, 384, 768))
SIZES = ((1, 128), (1, 256), (8, 64))
LENGTHS = (16, 32, 64, 128)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=200, help="of an exported file")
    parser.add_argument("--steps", type=int, default=10, help="of training")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    torch.set_num_threads(options.threads)
    print(describe_machine(options.threads))
    for layers, width, neurons in SHAPES:
        print(f"\n{layers} x {width}, 12 heads, {neurons} neurons: time relative to a whole layer")
        student = make_student(layers, width, neurons)
        for name, ratios in exported(student, options).items():
            print(f"{name:24}", "  ".join(f"{size}: {ratio:.2f}" for size, ratio in ratios.items()))
        ratios = trained(student, options.steps)
        print(f"{'a step of 32 rows':24}", "  ".join(f"{n}: {r:.2f}" for n, r in ratios.items()))


def make_student(layers: int, width: int, neurons: int) -> BertForSequenceClassification:
    torch.manual_seed(0)
    config = BertConfig(
        num_hidden_layers=layers,
        hidden_size=width,
        intermediate_size=neurons,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    student = BertForSequenceClassification(config).eval()
    with torch.no_grad():
        for weight in student.parameters():  # no two alike, or they'd be merged at export
            weight.add_(0.01 * torch.randn_like(weight))
    return student


def exported(
    student: BertForSequenceClassification, options: argparse.Namespace
) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        with patch("tinybert.formats.onnx.convert.first_position_alone", contextlib.nullcontext):
            whole = export_ours(student, Path(folder, "whole"))
        alone = export_ours(student, Path(folder, "alone"))
        pairs = [str(files[name]) for name in whole for files in (whole, alone)]
        found: dict[str, dict[str, float]] = {name: {} for name in whole}
        for batch, length in SIZES:
            result = bench(
                pairs, batch=batch, length=length, threads=options.threads, repeats=options.repeats
            )
            times = [model.latency_ms for model in result.models]
            for at, name in enumerate(whole):
                found[name][f"{batch} x {length}"] = times[2 * at + 1] / times[2 * at]
    return found


def trained(student: BertForSequenceClassification, steps: int) -> dict[int, float]:
    student.train().set_attn_implementation("eager")  # as `distill` does on CPUs
    optimizer = torch.optim.AdamW(student.parameters(), lr=0.0, fused=True)
    found = {}
    for length in LENGTHS:
        ids = torch.randint(student.config.vocab_size, (32, length))
        seconds: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(steps + 2):
            for alone, measured in seconds.items():
                start = time.perf_counter()
                with first_position_alone(student) if alone else contextlib.nullcontext():
                    with torch.autocast("cpu", torch.bfloat16, enabled=native_bf16()):
                        logits = student(ids, attention_mask=torch.ones_like(ids)).logits
                    logits.float().square().mean().backward()
                torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()
                measured.append(time.perf_counter() - start)
        medians = {alone: statistics.median(each[2:]) for alone, each in seconds.items()}
        found[length] = medians[True] / medians[False]
    return found


if __name__ == "__main__":
    main()
