"""`kill -9` at random moments of a small recipe, then the same command again.

    .venv/bin/python benchmarks/kill_and_resume.py --kills 5

Prints the SHA-256 of each step's weights and of the exported files, for a run that nobody
disturbed and for each that was killed. Ends with 1 where any of them differ.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import yaml
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

WORDS = ("a", "the", "film", "story", "plot", "was", "very", "not", "great", "good", "dull", "bad")
PROGRAM = "import sys; from tinybert.cli.main import main; sys.exit(main())"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe = make_recipe(folder)
        expected, seconds = run(recipe, folder / "whole"), duration(folder / "whole")
        show("undisturbed", expected, expected)
        same = True
        for number in range(options.kills):
            out = folder / f"killed-{number}"
            where = kill(recipe, out, dice.uniform(0, seconds))
            found = run(recipe, out)
            show(f"killed {where}, then run again", found, expected)
            same &= found == expected
    print("all equal" if same else "SOME DIFFER")
    sys.exit(not same)


def make_recipe(folder: Path) -> Path:
    """A random BERT of 2 layers, 320 made-up sentences, and a recipe of all steps."""
    entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(entries), encoding="utf-8")
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=64)
    torch.manual_seed(0)
    shape = {"hidden_size": 64, "num_attention_heads": 4, "intermediate_size": 128}
    config = BertConfig(vocab_size=len(entries), num_hidden_layers=2, **shape)
    BertForSequenceClassification(config).save_pretrained(folder / "teacher")
    tokenizer.save_pretrained(folder / "teacher")
    dice = random.Random(0)
    rows = [
        {"sentence": " ".join(dice.choices(WORDS, k=dice.randint(3, 40))), "label": index % 2}
        for index in range(320)
    ]
    data = folder / "rows.jsonl"
    data.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    training = {"batch_size": 8, "checkpoint_steps": 15}
    losses = {"prediction": 1, "embedding": 1, "hidden": 1, "attention": 1}
    small = {"layers": 1, "hidden_size": 32, "attention_heads": 2, "intermediate_size": 64}
    values = {
        "teacher": str(folder / "teacher"),
        "task": "text-classification",
        "data": {"train": str(data), "eval": str(data), "max_length": 64},
        "steps": [
            {"finetune": training | {"epochs": 4}},
            {"student": small},
            {"distill": training | losses | {"epochs": 12, "gradient_accumulation": 2}},
            "quantize",
        ],
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


def start(recipe: Path, out: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PROGRAM, "compress", str(recipe), "--out", str(out)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, start_new_session=True, **quiet)


def run(recipe: Path, out: Path) -> dict[str, str]:
    """Runs to the end; returns the hash of each file that weights are in."""
    if start(recipe, out).wait():
        raise RuntimeError("tinybert compress failed")
    files = [*out.glob("steps/*/model/model.safetensors"), *out.glob("onnx/*.onnx")]
    names = {file: file.relative_to(out).as_posix() for file in sorted(files)}
    return {name: hashlib.sha256(file.read_bytes()).hexdigest() for file, name in names.items()}


def duration(out: Path) -> float:
    """Seconds from the first step to the end of the last that makes weights."""
    (distilled,) = out.glob("steps/*-distill-*")
    return distilled.stat().st_mtime - (out / ".lock").stat().st_mtime


def kill(recipe: Path, out: Path, seconds: float) -> str:
    """Kills a run some seconds after it began its first step; returns what it was doing."""
    process = start(recipe, out)
    while not (out / "steps").exists():
        time.sleep(0.01)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    doing = [path.name.split("-")[1] for path in out.glob("steps/.*.unfinished")]
    saved = [path.parent.name for path in out.glob("steps/.*/checkpoints/*/complete")]
    where = ", ".join([*doing, *saved]) or "between steps"
    return f"after {seconds:.1f} s ({where})"


def show(title: str, found: dict[str, str], expected: dict[str, str]) -> None:
    print(f"\n{title}")
    for name, digest in found.items():
        print(f"  {digest[:16]}  {'=' if expected.get(name) == digest else 'DIFFERS'}  {name}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
