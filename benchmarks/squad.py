"""SQuAD: answers to questions by MiniLM-L6 and by an int8 student of it.

    .venv/bin/python benchmarks/squad.py [--data ../shared/data/squad] [--questions 6000]

The teacher is fine-tuned on the first questions of train.json; a student of 4 x 312 starts from it,
learns from it and is quantized while it learns. F1 and exact match are those of all of dev.json,
through each file's own runtime. A GPU is used for training if PyTorch sees one; measurements are
on the CPU always. A run goes on where it stopped.

The figures are compared with torchmetrics' SQuAD, where that is installed, from the texts that
`tinybert.load` gives:

    pip install --target metrics --no-deps torchmetrics lightning-utilities
    PYTHONPATH=metrics .venv/bin/python benchmarks/squad.py
"""

import argparse
import json
from pathlib import Path
from typing import Any

import tinybert
from teacher_to_int8 import add_options, recipe, run
from tinybert.data import Table, read
from tinybert.formats.open import open_model

DATA = Path(__file__).parents[1] / "../shared/data/squad"
FILES = ("onnx/model.onnx", "onnx/model_quantized.onnx")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="has train.json and dev.json")
    parser.add_argument("--questions", type=int, default=6000, help="to learn from: the first")
    add_options(parser, out="runs/squad")
    parser.set_defaults(length=256, teacher_epochs=3)
    options = parser.parse_args()
    train = options.out / "train.jsonl"
    write_first(read(options.data / "train.json"), options.questions, train)
    data = {"train": str(train), "eval": str(options.data / "dev.json")}
    run(options, recipe(options, "question-answering", data), ["f1", "exact_match"])
    compare(options.out / "out", read(options.data / "dev.json"))


def write_first(table: Table, count: int, path: Path) -> None:
    """Writes the first rows of a table as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [*table.columns]
    rows = zip(*(table.columns[name][:count] for name in names), strict=True)
    lines = (json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows)
    path.write_text("".join(lines), encoding="utf-8")


def compare(out: Path, rows: Table) -> None:
    """Prints F1 and exact match of torchmetrics beside those of the report."""
    try:
        from torchmetrics.text import SQuAD
    except ImportError:
        print("torchmetrics is not installed: the figures are not compared with its own")
        return
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    measured = {each["path"]: each["metrics"] for each in report["artifacts"]}
    teacher = next((out / "steps").glob("01-finetune-*/model"))
    print(f"{'':28}{'':>10}{'F1':>10}{'EM':>10}   torchmetrics {'F1':>10}{'EM':>10}")
    for name in ("teacher", *FILES):
        ours = report["teacher"]["metrics"] if name == "teacher" else measured[name]
        found = SQuAD()(*answers_of(teacher if name == "teacher" else out / name, rows))
        own = f"{ours['f1']:10.6f}{ours['exact_match']:10.6f}"
        theirs = f"{found['f1'] / 100:10.6f}{found['exact_match'] / 100:10.6f}"
        print(f"{name:28}{'':>10}{own}                {theirs}")


def answers_of(model: Path, rows: Table) -> tuple[list[Any], list[Any]]:
    """What a model says of rows, and what is right, as torchmetrics takes them."""
    loaded = open_model(model) if (model / "config.json").exists() else tinybert.load(model)
    asked = zip(rows.columns["question"], rows.columns["context"], strict=True)
    said = loaded([*asked])
    ids = rows.columns["id"]
    given = [
        {"prediction_text": each["answer"], "id": name}
        for each, name in zip(said, ids, strict=True)
    ]
    right = [
        {
            "answers": {
                "answer_start": [answer["answer_start"] for answer in answers],
                "text": [answer["text"] for answer in answers],
            },
            "id": name,
        }
        for answers, name in zip(rows.columns["answers"], ids, strict=True)
    ]
    return given, right


if __name__ == "__main__":
    main()
