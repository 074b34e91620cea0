"""A few rows a class: contrastive fine-tuning against plain, and the small student of each.

    .venv/bin/python benchmarks/few_labels.py WORK [--data ../shared/data/glue] [--rows 16]

16 rows a class of BBC News and of SST-2's training rows, drawn by a seed; the model is MiniLM-L6 as
it came, a sentence encoder. Texts are cut to 128 tokens. Plain fine-tuning takes as many passes as
contrastive does. The students learn from the same rows and from 2,000 others without their labels
(`add-texts`). Accuracies are on the whole evaluation split.
"""

import argparse
import csv
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import tinybert
from budgets import MINILM, bbc, sst2

SHAPE = {"layers": 4, "hidden_size": 312, "attention_heads": 12, "intermediate_size": 1200}
EPOCHS = 40
UNLABELED = 2000


def main() -> None:
    options = parse()
    options.work.mkdir(exist_ok=True)
    for name, (train, dev) in {
        "SST-2": sst2(options.data / "SST-2", 8000),
        "BBC News": bbc(),
    }.items():
        few, rest = drawn(train, options.rows, options.seed)
        files = {part: options.work / f"{name}-{part}.csv" for part in ("few", "dev")}
        for path, rows in zip(files.values(), (few, dev), strict=True):
            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([("text", "label"), *rows])
        texts = options.work / f"{name}.txt"
        lines = [" ".join(text.split()) for text, _ in rest[:UNLABELED]]
        texts.write_text("\n".join(lines) + "\n", encoding="utf-8")
        for method in ("labels", "contrastive"):
            recipe = {
                "teacher": str(MINILM),
                "task": "text-classification",
                "seed": options.seed,
                "data": {
                    "train": str(files["few"]),
                    "eval": str(files["dev"]),
                    "text": "text",
                    "unlabeled": [str(texts)],
                    "max_length": 128,
                },
                "steps": [
                    {"finetune": {"method": method, "epochs": EPOCHS}},
                    {"student": SHAPE},
                    {"add-texts": {"per_row": UNLABELED / len(few)}},
                    {"distill": {"epochs": 6}},
                    {"quantize": {"method": "dynamic"}},
                ],
            }
            told(f"{name}, {len(few)} rows, {method}", recipe, options.work / f"{name}-{method}")


def told(title: str, recipe: dict[str, Any], out: Path) -> None:
    """Prints the accuracies of teacher and student, and the minutes of the first step."""
    report = tinybert.compress(recipe, out).report
    teacher, student = report["teacher"], report["artifacts"][-1]
    seconds = report["steps"][0]["seconds"]
    low, high = teacher["metric_low"], teacher["metric_high"]
    print(
        f"{title}: {teacher['metric']:.4f} ({low:.4f} to {high:.4f}), trained in {seconds:.0f} s; "
        f"student, int8, {student['bytes'] / 1e6:.1f} MB: {student['metric']:.4f}",
        flush=True,
    )


def drawn(rows: list[Any], count: int, seed: int) -> tuple[list[Any], list[Any]]:
    """So many rows of each class, and the rest; both in an order by the seed."""
    order = list(rows)
    random.Random(seed).shuffle(order)
    taken: dict[Any, int] = defaultdict(int)
    few, rest = [], []
    for row in order:
        taken[row[1]] += 1
        (few if taken[row[1]] <= count else rest).append(row)
    return few, rest


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/glue"))
    parser.add_argument("--rows", type=int, default=16, help="of each class")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
