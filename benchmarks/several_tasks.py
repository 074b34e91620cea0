"""Two tasks on one encoder against a student for each: metrics, bytes, time of one text.

    .venv/bin/python benchmarks/several_tasks.py WORK [--data ../shared/data/glue] [--rows 8000]

The tasks are the sentiment of SST-2's sentences and the topic of BBC News's articles. The teachers
are MiniLM-L6, fine-tuned on each. All students are made of MiniLM-L6 as it came, have one shape,
one recipe and one seed, and learn from their teachers' predictions alone: each single one on the
rows of its task, the shared one on those of both. What is measured are the int8 files, on SST-2's
dev set and on the held-out articles, and all files side by side in one run of `bench`.
"""

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np

import tinybert
from budgets import MINILM, bbc, sst2
from tinybert.data import read
from tinybert.formats.open import open_model
from tinybert.measure.bench import bench
from tinybert.measure.compare import compare
from tinybert.measure.evaluate import score
from tinybert.measure.side_by_side import in_turn
from tinybert.runtime.part import part_of

STUDENT = {"layers": 4, "hidden_size": 312, "attention_heads": 4, "intermediate_size": 1200}
FILE = "onnx/model_quantized.onnx"
EPOCHS = {"sentiment": 2, "topic": 4}
"""Of the teachers."""


def main() -> None:
    options = parse()
    options.work.mkdir(exist_ok=True)
    articles, held_out = bbc()
    rows = {
        "sentiment": sst2(options.data / "SST-2", options.rows),
        "topic": (articles[: options.rows], held_out),
    }
    data = {name: written(options.work, name, *parts) for name, parts in rows.items()}
    teachers = {name: fine_tuned(options, name, own) for name, own in data.items()}
    student = {**STUDENT, "base": str(MINILM)}
    training = {"epochs": options.epochs, "learning_rate": 2e-4}
    steps = [
        {"student": student},
        {"distill": training},
        {"quantize": {"method": "qat", "distill": {"epochs": 1}}},
    ]
    for name, own in data.items():
        recipe = {"task": "text-classification", "data": {**own, "text": "text"}, "steps": steps}
        compressed(options.work / name, {"teacher": str(teachers[name]), **recipe})
    tasks = {
        name: {
            "kind": "text-classification",
            "teacher": str(teachers[name]),
            "text": "text",
            **own,
        }
        for name, own in data.items()
    }
    task = {"kind": "several-tasks", "tasks": tasks}
    recipe = {"teacher": str(MINILM), "task": task, "steps": steps}
    compressed(options.work / "both", recipe)
    for name, own in data.items():
        told(options.work, name, own["eval"])
    costs([options.work / name / FILE for name in (*data, "both")])


def told(work: Path, name: str, rows: str) -> None:
    """Prints a task's metric of the shared file and of its own, and what the first keeps."""
    alone, shared = open_model(work / name / FILE), part_of(open_model(work / "both" / FILE), name)
    examples = shared.task.examples(read(rows, "eval"))
    assert examples.labels is not None
    assert list(alone.labels) == list(shared.labels)
    given, own = (model.outputs(examples.rows) for model in (shared, alone))
    for title, outputs in (("its own student", own), ("the shared one", given)):
        found = score(outputs, examples.labels, shared.task)
        print(
            f"{name}, {title}: {shared.task.metric} {found['metric']:.4f} "
            f"({found['metric_low']:.4f} to {found['metric_high']:.4f}), {found['rows']} rows"
        )
    kept = compare(shared.task, given, own, examples.labels)
    print(
        f"{name}: the shared one has {kept['retention']:.2%} of its own's "
        f"({kept['retention_low']:.2%} to {kept['retention_high']:.2%})",
        flush=True,
    )


def costs(files: list[Path]) -> None:
    """Prints bytes and milliseconds of two files, one after the other, and of the shared one."""
    for length in (32, 128):
        found = bench([str(file) for file in files], length=length).as_json()
        *alone, shared = found["models"]
        both = in_turn(alone, found["batch"])
        faster = np.median(np.divide(both["runs_ms"], shared["runs_ms"]))
        print(
            f"{length} tokens: two files {both['bytes'] / 1e6:.2f} MB, {both['latency_ms']:.2f} ms "
            f"for both passes; one file {shared['bytes'] / 1e6:.2f} MB, "
            f"{shared['latency_ms']:.2f} ms: {both['bytes'] / shared['bytes']:.2f}x smaller, "
            f"{faster:.2f}x faster; {found['machine']}",
            flush=True,
        )


def compressed(out: Path, recipe: dict[str, Any]) -> None:
    """Runs a recipe, unless that was done, and prints how long it took."""
    report = tinybert.compress({"data": {}, **recipe}, out).report
    minutes = sum(step["seconds"] for step in report["steps"]) / 60
    metrics = {name: round(value, 4) for name, value in report["teacher"]["metrics"].items()}
    print(f"{out.name}: {minutes:.1f} min; its teacher's {metrics}", flush=True)


def fine_tuned(options: argparse.Namespace, name: str, data: dict[str, str]) -> Path:
    """A teacher of one task."""
    recipe = {
        "teacher": str(MINILM),
        "task": "text-classification",
        "data": {**data, "text": "text"},
        "steps": [{"finetune": {"epochs": EPOCHS[name]}}],
    }
    out = options.work / f"{name}-teacher"
    compressed(out, recipe)
    return out / "student"


def written(work: Path, name: str, train: list[Any], dev: list[Any]) -> dict[str, str]:
    """The rows as files."""
    found = {}
    for split, rows in (("train", train), ("eval", dev)):
        path = work / f"{name}-{split}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["text", "label"], *rows])
        found[split] = str(path)
    return found


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/glue"))
    parser.add_argument(
        "--rows", type=int, default=8000, help="of each task, if it has so many: BBC News has 1780"
    )
    parser.add_argument("--epochs", type=float, default=4, help="of each student's distillation")
    return parser.parse_args()


if __name__ == "__main__":
    main()
