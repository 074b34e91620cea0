"""Every method alone, and the sensible combinations: bytes, milliseconds, metric; table and plot.

    .venv/bin/python benchmarks/pareto.py examples/sst2.yaml --data ../shared/data/glue/SST-2 \
        --teacher runs/sst2-teacher --out runs/pareto --results benchmarks/results/pareto-sst2

All variants run in one folder, so that they share the steps that they have in common; what is
done is not done again. Their files are kept in OUT/variants and timed together at the end, in one
interleaved run, since a machine's speed changes from one run to the next. --results names the
table (.md) and the plot (.svg), written without suffix. Points on the frontier have no rival that
is smaller, faster and better at once.
"""

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

import tinybert
from tinybert.cli.terminal import ProgressDisplay
from tinybert.measure.bench import BenchResult, bench
from tinybert.measure.table import grid
from tinybert.recipe.recipe import Recipe

STUDENT: dict[str, Any] = {
    "student": {"layers": 4, "hidden_size": 312, "attention_heads": 12, "intermediate_size": 1200}
}
NARROW: dict[str, Any] = {
    "student": {"layers": 4, "hidden_size": 256, "attention_heads": 4, "intermediate_size": 1024}
}
TRIM: dict[str, Any] = {"trim-vocabulary": {}}
INT8: dict[str, Any] = {"quantize": {}}
SHORTEN: dict[str, Any] = {"shorten": {"layer": 1, "positions": 32}}
HALF: dict[str, Any] = {"prune": {"heads": 0.5, "neurons": 0.5}}


def variants(distill: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Steps after the teacher, by name."""
    heal = {"distill": distill}
    small = [STUDENT, heal]
    return {
        "teacher, int8": [INT8],
        "teacher, trimmed vocabulary": [TRIM],
        "teacher, half of heads and neurons pruned": [HALF, heal],
        "the same, gradually": [{"prune": HALF["prune"] | {"distill": distill}}],
        "teacher, 2:4 sparse": [{"prune": {"pattern": "2:4", "distill": distill}}],
        "teacher, low rank": [{"factorize": {}}, heal],
        "teacher, 32 tokens from layer 2 on": [SHORTEN, heal],
        "4x312": small,
        "4x312, int8": [*small, INT8],
        "4x312, static int8": [*small, {"quantize": {"method": "static"}}],
        "4x312, trained int8": [*small, {"quantize": {"method": "qat"}}],
        "4x312, 8-bit weights": [*small, {"quantize": {"method": "weight-only"}}],
        "4x312, 4-bit weights": [
            *small,
            {"quantize": {"method": "weight-only", "bits": 4, "group_size": 32}},
        ],
        "4x312, trained 4-bit weights": [
            *small,
            {
                "quantize": {
                    "method": "qat",
                    "bits": 4,
                    "group_size": 32,
                    "activations": False,
                }
            },
        ],
        "4x312, half of the neurons pruned, int8": [
            *small,
            {"prune": {"neurons": 0.5}},
            heal,
            INT8,
        ],
        "4x312, low rank, int8": [*small, {"factorize": {}}, heal, INT8],
        "4x312, trimmed, int8": [*small, TRIM, INT8],
        "4x312, 32 tokens from layer 2 on, int8": [*small, SHORTEN, heal, INT8],
        "4x256, trimmed, trained int8": [
            NARROW,
            heal,
            TRIM,
            {"quantize": {"method": "qat"}},
        ],
        "4x256, trimmed, trained 4-bit weights": [
            NARROW,
            heal,
            TRIM,
            {
                "quantize": {
                    "method": "qat",
                    "bits": 4,
                    "group_size": 32,
                    "activations": False,
                }
            },
        ],
        "layers, then width, then heads": [
            {"student": STUDENT["student"] | {"hidden_size": 384, "intermediate_size": 1536}},
            heal,
            STUDENT,
            heal,
            {"student": STUDENT["student"] | {"attention_heads": 4}},
            heal,
            INT8,
        ],
        "the same at once": [
            {"student": STUDENT["student"] | {"attention_heads": 4}},
            {"distill": distill | {"epochs": 3 * distill.get("epochs", 3)}},
            INT8,
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", help="gives task, seed and the settings of `distill`")
    parser.add_argument("--data", required=True, help="the task's GLUE folder")
    parser.add_argument("--teacher", required=True, help="fine-tuned")
    parser.add_argument("--only", nargs="+", help="names of variants")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    options = parser.parse_args()

    values = Recipe.read(options.recipe).resolved()
    distill = next(step["distill"] for step in values["steps"] if "distill" in step)
    reports = {}
    for name, steps in variants(distill).items():
        if options.only is None or name in options.only:
            reports[name] = compress(options, values, steps)
            keep(options.out, options.out / "variants" / name)
    write(reports, time_together(reports, options), options.results)


def compress(
    options: argparse.Namespace, values: dict[str, Any], steps: list[dict[str, Any]]
) -> dict[str, Any]:
    recipe = values | {
        "teacher": options.teacher,
        "data": values["data"] | {"train": options.data},
        "steps": steps,
    }
    with ProgressDisplay() as display:
        return tinybert.compress(recipe, options.out, progress=display).report


def keep(out: Path, folder: Path) -> None:
    """The files of the variant that has just been made, before the next one replaces them."""
    shutil.rmtree(folder, ignore_errors=True)
    nothing_else = shutil.ignore_patterns("steps", "variants", "student")
    shutil.copytree(out, folder, ignore=nothing_else, copy_function=os.link)


def time_together(reports: dict[str, dict[str, Any]], options: argparse.Namespace) -> BenchResult:
    """The teacher in PyTorch, and each variant's file, in the order of the reports."""
    files = [
        options.out / "variants" / name / last_path(report) for name, report in reports.items()
    ]
    return bench([options.teacher, *map(str, files)])


def write(reports: dict[str, dict[str, Any]], timed: BenchResult, results: Path) -> None:
    first = next(iter(reports.values()))
    teacher = first["teacher"] | {"latency_ms": timed.models[0].latency_ms}
    points = [
        {
            "name": name,
            **next(a for a in report["artifacts"] if a["path"] == last_path(report)),
            "latency_ms": model.latency_ms,
        }
        for (name, report), model in zip(reports.items(), timed.models[1:], strict=True)
    ]
    for point in points:
        point["frontier"] = not any(beats(other, point) for other in points)
    header = ["", "MB", "smaller", "ms", "faster", first["task"]["metric"], "retention", "frontier"]
    rows = [
        [
            point["name"],
            f"{point['bytes'] / 1e6:.2f}",
            f"{teacher['bytes'] / point['bytes']:.1f}x",
            f"{point['latency_ms']:.2f}",
            f"{teacher['latency_ms'] / point['latency_ms']:.1f}x",
            f"{point['metric']:.4f}",
            f"{point['metric'] / teacher['metric']:.1%}",
            "*" if point["frontier"] else "",
        ]
        for point in points
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in [header, ["-"] * len(header), *rows])
    about = (
        f"Teacher: {teacher['bytes'] / 1e6:.1f} MB, {teacher['latency_ms']:.1f} ms in PyTorch, "
        f"{teacher['metric']:.4f}. Batch {timed.batch}, {timed.length} tokens.\n\n"
        f"{json.dumps(timed.machine)}\n"
    )
    results.parent.mkdir(parents=True, exist_ok=True)
    results.with_suffix(".md").write_text(f"{about}\n{table}\n", encoding="utf-8")
    print(about)
    print(grid([header, *rows]))
    plot(points, teacher["metric"], first["task"]["metric"], results.with_suffix(".svg"))


def last_path(report: dict[str, Any]) -> str:
    """The quantized artifact where there is one, since it is what the variant is about."""
    paths = [artifact["path"] for artifact in report["artifacts"]]
    return next((path for path in paths if "_quantized" in path), paths[0])


def beats(one: dict[str, Any], other: dict[str, Any]) -> bool:
    better = [
        one["bytes"] <= other["bytes"],
        one["latency_ms"] <= other["latency_ms"],
        one["metric"] >= other["metric"],
    ]
    return one is not other and all(better)


def plot(points: list[dict[str, Any]], teacher: float, metric: str, path: Path) -> None:
    figure, axes = plt.subplots(figsize=(10, 7))
    dots = axes.scatter(
        [point["bytes"] / 1e6 for point in points],
        [point["metric"] for point in points],
        c=[point["latency_ms"] for point in points],
        s=[90 if point["frontier"] else 30 for point in points],
    )
    for point in points:
        axes.annotate(point["name"], (point["bytes"] / 1e6, point["metric"]), fontsize=7)
    axes.axhline(teacher, linestyle=":", label="teacher")
    axes.set(xscale="log", xlabel="MB", ylabel=metric)
    axes.legend()
    figure.colorbar(dots, label="ms, batch 1, 128 tokens")
    figure.savefig(path, bbox_inches="tight")


if __name__ == "__main__":
    main()
