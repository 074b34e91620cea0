"""GoEmotions, 28 labels of which a text may have several: MiniLM-L6 and an int8 student of it.

    .venv/bin/python benchmarks/go_emotions.py [--rows 12000] [--data ../shared/data/go_emotions]

The teacher is fine-tuned, a student of 4 x 312 starts from it, learns from it and is quantized
while it learns. Thresholds are chosen on training rows, for each model its own; F1 is on the whole
`dev.jsonl`, through each file's own runtime. A GPU is used for training if PyTorch sees one;
measurements are on the CPU always. A run goes on where it stopped.
"""

import argparse
import json
import random
from pathlib import Path
from typing import Any

from teacher_to_int8 import add_options, recipe, run

DATA = Path(__file__).parents[1] / "../shared/data/go_emotions"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="has train.jsonl and dev.jsonl")
    parser.add_argument("--rows", type=int, default=12_000, help="training rows, drawn by the seed")
    parser.add_argument("--eval-rows", type=int, help="of dev.jsonl; default: all")
    parser.add_argument("--threshold", default="best", help="best, best-per-label, or a number")
    add_options(parser, out="runs/go_emotions", teacher_rate=3e-4)
    options = parser.parse_args()
    task = {
        "kind": "multi-label-classification",
        "labels": draw_rows(options),
        "threshold": threshold(options.threshold),
    }
    print(f"{options.rows} training rows, threshold {options.threshold}")
    names = ["micro_f1", "macro_f1", "subset_accuracy", "lrap"]
    run(options, recipe(options, task, {"train": str(options.out / "data")}), names)


def threshold(given: str) -> str | float:
    """A number, or the name of a way to choose one."""
    return given if given.startswith("best") else float(given)


def draw_rows(options: argparse.Namespace) -> list[str]:
    """Writes the rows into a folder beside the run; all 28 labels, also where one isn't drawn."""
    rows, labels = read_rows(options.data / "train.jsonl")
    drawn = random.Random(options.seed).sample(rows, min(options.rows, len(rows)))
    write_rows(options.out / "data" / "train.jsonl", drawn)
    evaluation = read_rows(options.data / "dev.jsonl")[0][: options.eval_rows]
    write_rows(options.out / "data" / "dev.jsonl", evaluation)
    return labels


def read_rows(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of a file, and the names of all labels that they have."""
    with path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return rows, sorted({label for row in rows for label in row["labels"]})


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    main()
