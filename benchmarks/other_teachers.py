"""Teachers with a tokenizer of their own, and no teacher but its scores: do students agree as well?

    .venv/bin/python benchmarks/other_teachers.py WORK [--data ../shared/data/glue] [--rows 8000]

Rows are SST-2's. One teacher is MiniLM-L6, fine-tuned; the other has RoBERTa's shape and a
byte-level tokenizer, both trained here on the same rows alone, so that it is a weak one. Of each
there is a student made of the teacher itself, and one that is made of MiniLM-L6 as it came: of the
second teacher by what that reads itself, of the first by a file of its probabilities, with no
model. All students have one shape and one seed. What is measured is on how many texts of the dev
set, labels aside, fp32 files answer as the teacher does.
"""

import argparse
import csv
from pathlib import Path
from typing import Any

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import RobertaConfig, RobertaForMaskedLM, RobertaTokenizerFast

import tinybert
from budgets import MINILM, sst2

SHAPE = {"layers": 3, "hidden_size": 192, "attention_heads": 4, "intermediate_size": 768}
DISTILL = {"epochs": 4, "learning_rate": 2e-4}


def main() -> None:
    options = parse()
    options.work.mkdir(exist_ok=True)
    train, dev = (options.work / f"{name}.csv" for name in ("train", "dev"))
    rows = sst2(options.data / "SST-2", options.rows)
    for path, part in zip((train, dev), rows, strict=True):
        write(path, ["text", "label"], part)
    write(options.work / "texts.csv", ["text"], [row[:1] for row in rows[1]])
    teachers = {
        "MiniLM-L6": fine_tuned(options.work / "minilm", str(MINILM), train, dev, 2),
        "RoBERTa-shaped": fine_tuned(
            options.work / "roberta", roberta(options.work / "bare", rows[0]), train, dev, 5
        ),
    }
    for name, teacher in teachers.items():
        texts = {"train": str(train), "eval": str(options.work / "texts.csv"), "text": "text"}
        own = [{"student": SHAPE}, {"distill": DISTILL}]
        told(f"{name}, student of itself", options.work / f"{name}-own", teacher, texts, own)
        if name == "MiniLM-L6":
            scored = scores(teacher, rows, options.work)
            soft = [{"finetune": {"epochs": 2}}, *own]
            told(f"{name}, its scores alone", options.work / f"{name}-scores", MINILM, scored, soft)
        else:
            steps = [{"student": {**SHAPE, "base": str(MINILM)}}, {"distill": DISTILL}]
            told(
                f"{name}, student of MiniLM-L6",
                options.work / f"{name}-base",
                teacher,
                texts,
                steps,
            )


def told(title: str, out: Path, teacher: Any, data: dict[str, Any], steps: list[Any]) -> None:
    """Prints the agreement of a student with its teacher."""
    recipe = {"teacher": str(teacher), "task": "text-classification", "data": data, "steps": steps}
    report = tinybert.compress(recipe, out).report
    found = report["artifacts"][0]
    minutes = sum(step["seconds"] for step in report["steps"]) / 60
    print(
        f"{title}: agreement {found['metric']:.4f} ({found['metric_low']:.4f} to "
        f"{found['metric_high']:.4f}) on {report['task']['eval_rows']} texts, "
        f"{found['bytes'] / 1e6:.1f} MB, {minutes:.1f} min",
        flush=True,
    )


def fine_tuned(out: Path, model: str, train: Path, dev: Path, epochs: int) -> Path:
    """A teacher; its accuracy is printed."""
    recipe = {
        "teacher": model,
        "task": "text-classification",
        "data": {"train": str(train), "eval": str(dev), "text": "text"},
        "steps": [{"finetune": {"epochs": epochs}}],
    }
    report = tinybert.compress(recipe, out).report
    print(f"{out.name}: accuracy {report['teacher']['metric']:.4f}", report["machine"], flush=True)
    return out / "student"


def scores(teacher: Path, rows: tuple[list[Any], list[Any]], work: Path) -> dict[str, Any]:
    """The teacher's probabilities as columns beside the texts, to three digits."""
    names = {"train": work / "scored-train.csv", "eval": work / "scored-dev.csv"}
    model = tinybert.load(teacher.parent)
    for path, part in zip(names.values(), rows, strict=True):
        answers = model([text for text, _ in part])
        cells = [
            [row[0], *(round(answer["scores"][label], 3) for label in model.labels)]
            for row, answer in zip(part, answers, strict=True)
        ]
        write(path, ["text", *(f"p_{label}" for label in model.labels)], cells)
    soft = {label: f"p_{label}" for label in model.labels}
    return {name: str(path) for name, path in names.items()} | {"text": "text", "soft_labels": soft}


def roberta(folder: Path, rows: list[Any]) -> str:
    """A RoBERTa of random weights, with a tokenizer that is trained on the rows."""
    if not (folder / "config.json").exists():
        folder.mkdir(exist_ok=True)
        trained = ByteLevelBPETokenizer()
        special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
        trained.train_from_iterator(
            (text for text, _ in rows), vocab_size=6000, special_tokens=special
        )
        trained.save_model(str(folder))
        tokenizer = RobertaTokenizerFast.from_pretrained(folder, model_max_length=128)
        tokenizer.save_pretrained(folder)
        torch.manual_seed(0)
        sizes = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4}
        config = RobertaConfig(
            vocab_size=len(tokenizer),
            intermediate_size=1024,
            max_position_embeddings=130,
            type_vocab_size=1,
            **sizes,
        )
        RobertaForMaskedLM(config).save_pretrained(folder)
    return str(folder)


def write(path: Path, header: list[str], rows: list[Any]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/glue"))
    parser.add_argument("--rows", type=int, default=8000)
    return parser.parse_args()


if __name__ == "__main__":
    main()
