"""Whether two source trees make the same models of the same recipes, bit for bit.

Three recipes on a tiny model and made-up rows name every step; what is compared are the weights
that each step leaves and the exported files.

    git worktree add /tmp/before COMMIT
    python benchmarks/same_bits.py --before /tmp/before/src
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
WORDS = [f"w{first}{second}" for first in "bcdfghjklm" for second in "aeiou"]

TRAINING = {"batch_size": 16, "bf16": False, "max_steps": 6}
STUDENT = {"layers": 2, "hidden_size": 24, "attention_heads": 2, "intermediate_size": 48}
FINETUNE = {"finetune": {**TRAINING, "max_steps": 10}}
EVERY_LOSS = {"hidden": 1, "embedding": 1, "attention": 1, "relations": 1, "relation_heads": 2}
GENERAL = {**TRAINING, "length": 16, "max_tokens": 4000, "gradient_accumulation": 1}
SCORES = {"attention": 1, "attention_loss": "scores", "mapping": "nearest"}
RECIPES: dict[str, list[dict[str, Any]]] = {
    "everything smaller": [
        FINETUNE,
        {"student": STUDENT},
        {"general-distill": GENERAL},
        {"distill": {**TRAINING, **EVERY_LOSS}},
        {"factorize": {"rank": 8, "parts": ["ffn"]}},
        {"distill": {**TRAINING, "hidden": 1}},
        {"trim-vocabulary": {"min_count": 2}},
        {"prune": {"heads": 0.5, "distill": {**TRAINING, "max_steps": 8}}},
        {"quantize": {"method": "qat", "distill": TRAINING}},
    ],
    "more rows": [
        FINETUNE,
        {"augment": {"copies": 1}},
        {"student": {**STUDENT, "init": "random"}},
        {"distill": {**TRAINING, **SCORES}},
        {"shorten": {"positions": 8, "calibration_rows": 64}},
        {"distill": TRAINING},
        {"quantize": {"method": "static"}},
    ],
    "made rows": [
        FINETUNE,
        {"generate": {"rows": 64, "max_tokens": 12}},
        {"student": {**STUDENT, "calibration_rows": 32}},
        {"distill": {**TRAINING, "prediction_loss": "logits"}},
        {"prune": {"neurons": 0.5, "layers": 1}},
        {"prune": {"sparsity": 0.5}},
        {"quantize": {"method": "dynamic", "bits": 4}},
    ],
}

RUN = """
import hashlib, json, pathlib, sys, tinybert
from safetensors.numpy import load_file
recipe, out = json.loads(sys.argv[1]), pathlib.Path(sys.argv[2])
report = tinybert.compress(recipe, out).report
found = {}
for file in sorted((out / "steps").glob("*/model/model.safetensors")):
    digest, weights = hashlib.sha256(), load_file(file)
    for name in sorted(weights):
        digest.update(name.encode() + weights[name].tobytes())
    found[file.parts[-3].rpartition("-")[0]] = digest.hexdigest()
for artifact in report["artifacts"]:
    content = (out / artifact["path"]).read_bytes()
    found[artifact["path"]] = hashlib.sha256(content).hexdigest()
print(json.dumps(found))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, required=True, help="src/ of an older version")
    options = parser.parse_args()
    differing = 0
    with tempfile.TemporaryDirectory() as folder:
        data = make_data(Path(folder))
        for name, steps in RECIPES.items():
            export = ["onnx"] if "bits" in steps[-1]["quantize"] else ["onnx", "openvino"]
            recipe = {**data, "seed": 1, "steps": steps, "export": export}
            before, after = (
                run(source, recipe, Path(folder) / f"{name} {number}")
                for number, source in enumerate((options.before, REPOSITORY / "src"))
            )
            for what in before | after:
                same = before.get(what) == after.get(what)
                differing += not same
                print(f"{name:20} {what:28} {'same' if same else 'DIFFERS'}")
    sys.exit(differing > 0)


def run(source: Path, recipe: dict[str, Any], out: Path) -> dict[str, str]:
    """Hashes by what the run of one tree has made."""
    cache = {"TINYBERT_CACHE": str(out.with_name(f"{out.name} cache"))}
    environment = {**os.environ, **cache, "PYTHONPATH": str(source.resolve())}
    command = [sys.executable, "-c", RUN, json.dumps(recipe), str(out)]
    ran = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    found: dict[str, str] = json.loads(ran.stdout.splitlines()[-1])
    return found


def make_data(folder: Path) -> dict[str, Any]:
    """A random BERT of four layers, rows and a corpus: the head of a recipe."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    letters = "abcdefghijklmnopqrstuvwxyz"
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*specials, *WORDS, *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    tokenizer = BertTokenizerFast.from_pretrained(folder, model_max_length=64)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=48,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=96,
        max_position_embeddings=64,
        initializer_range=0.2,
        id2label={0: "no", 1: "yes"},
        label2id={"no": 0, "yes": 1},
    )
    BertForSequenceClassification(config).save_pretrained(folder / "teacher")
    tokenizer.save_pretrained(folder / "teacher")
    dice = random.Random(0)

    def text() -> str:
        return " ".join(dice.choices(WORDS, k=dice.randint(3, 40)))

    for name, rows in (("train", 160), ("dev", 60)):
        lines = [
            f"{row}\t{'yes' if 'wba' in row else 'no'}" for row in (text() for _ in range(rows))
        ]
        content = "\n".join(["sentence\tlabel", *lines]) + "\n"
        (folder / f"{name}.tsv").write_text(content, encoding="utf-8")
    (folder / "corpus.txt").write_text("\n".join(text() for _ in range(400)), encoding="utf-8")
    return {
        "teacher": str(folder / "teacher"),
        "task": "text-classification",
        "data": {
            "train": str(folder / "train.tsv"),
            "eval": str(folder / "dev.tsv"),
            "unlabeled": [str(folder / "corpus.txt")],
            "max_length": 48,
        },
    }


if __name__ == "__main__":
    main()
