"""Students of other families: what the teacher's weights are worth against a random start.

    .venv/bin/python benchmarks/families.py [--rows 6000] [--data ../shared/data/glue/SST-2]

MiniLM-L6's weights are carried into the layouts of DistilBERT and ELECTRA, and a ModernBERT of four
layers is trained from nothing; each is fine-tuned on SST-2's rows. Two students of each, of half
the layers and half the width, learn from it alike; one starts from its weights. Accuracy is on the
whole dev.tsv, in PyTorch.
"""

import argparse
import json
import random
import shutil
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, PreTrainedModel

import tinybert
from teacher_to_int8 import minilm
from tinybert.base.threads import wait_passively
from tinybert.measure.machine import describe_machine
from tinybert.modeling.blocks import blocks
from tinybert.modeling.load import load_tokenizer
from tinybert.modeling.parts import family_in, part_of, tables_of_embeddings

DATA = Path(__file__).parents[1] / "../shared/data/glue/SST-2"
ROLES = ("query", "key", "value", "attention_output", "up", "down")
LENGTH = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="has train.tsv and dev.tsv")
    parser.add_argument("--rows", type=int, default=6000, help="training rows, drawn by the seed")
    parser.add_argument("--all-rows", type=int, default=40_000, help="those of the new teacher")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/families"))
    options = parser.parse_args()
    print(json.dumps(describe_machine(torch.get_num_threads())))
    print(f"{options.rows} rows of SST-2, {LENGTH} tokens at most, seed {options.seed}")
    for kind in ("distilbert", "electra", "modernbert"):
        begun = time.perf_counter()
        teacher = make_teacher(kind, options)
        scores = {init: student(kind, teacher, init, options) for init in ("teacher", "random")}
        print(
            f"{kind:12} teacher {scores['teacher'][0]:.4f}   student from its weights "
            f"{scores['teacher'][1]:.4f}, from a random start {scores['random'][1]:.4f}   "
            f"{(time.perf_counter() - begun) / 60:.1f} minutes",
            flush=True,
        )


def make_teacher(kind: str, options: argparse.Namespace) -> Path:
    """A folder with a fine-tuned teacher of two classes."""
    start, out = options.out / kind / "start", options.out / kind / "teacher"
    torch.manual_seed(options.seed)
    source = AutoModel.from_pretrained(minilm())
    model = AutoModelForSequenceClassification.from_config(config_of(kind, source.config))
    if kind != "modernbert":
        carry(source, model)
    shutil.rmtree(start, ignore_errors=True)
    model.save_pretrained(start)
    load_tokenizer(minilm()).save_pretrained(start)
    rows, settings = options.rows, {"epochs": 2, "learning_rate": 1e-4}
    if kind == "modernbert":
        rows, settings = options.all_rows, {"epochs": 1, "learning_rate": 5e-4}
    compress(start, rows, [{"finetune": settings}], out, options)
    return out / "student"


def student(
    kind: str, teacher: Path, init: str, options: argparse.Namespace
) -> tuple[float, float]:
    """The metric of the teacher and of its student."""
    config = AutoConfig.from_pretrained(teacher)
    neurons = config.hidden_dim if kind == "distilbert" else config.intermediate_size
    shape = {
        "layers": config.num_hidden_layers // 2,
        "hidden_size": config.hidden_size // 2,
        "attention_heads": config.num_attention_heads // 2,
        "intermediate_size": neurons // 2,
        "init": init,
    }
    steps = [{"student": shape}, {"distill": {"epochs": 3, "learning_rate": 3e-4}}]
    report = compress(teacher, options.rows, steps, options.out / kind / f"from-{init}", options)
    return report["teacher"]["metric"], report["steps"][-1]["metric"]


def compress(
    teacher: Path, rows: int, steps: list[Any], out: Path, options: argparse.Namespace
) -> dict[str, Any]:
    data = options.out / f"rows-{rows}"
    if not data.exists():
        lines = (options.data / "train.tsv").read_text(encoding="utf-8").splitlines()
        drawn = random.Random(options.seed).sample(lines[1:], min(rows, len(lines) - 1))
        data.mkdir(parents=True)
        content = "\n".join([lines[0], *drawn]) + "\n"
        (data / "train.tsv").write_text(content, encoding="utf-8")
        shutil.copy(options.data / "dev.tsv", data / "dev.tsv")
    recipe = {
        "teacher": str(teacher),
        "task": "glue/sst-2",
        "data": {"train": str(data), "max_length": LENGTH},
        "seed": options.seed,
        "steps": steps,
    }
    return tinybert.compress(recipe, out).report


def config_of(kind: str, source: Any) -> Any:
    """The config of a family with MiniLM's sizes; ModernBERT is smaller."""
    common = {"vocab_size": source.vocab_size, "pad_token_id": 0, "num_labels": 2}
    if kind == "distilbert":
        sizes = {
            "n_layers": source.num_hidden_layers,
            "dim": source.hidden_size,
            "n_heads": source.num_attention_heads,
            "hidden_dim": source.intermediate_size,
        }
        return AutoConfig.for_model(kind, **common, **sizes)
    sizes = {
        "num_hidden_layers": source.num_hidden_layers,
        "hidden_size": source.hidden_size,
        "num_attention_heads": source.num_attention_heads,
        "intermediate_size": source.intermediate_size,
    }
    if kind == "electra":
        return AutoConfig.for_model(kind, **common, **sizes, embedding_size=source.hidden_size)
    small = {"num_hidden_layers": 4, "hidden_size": 256, "num_attention_heads": 8}
    ends = {"cls_token_id": 101, "bos_token_id": 101, "sep_token_id": 102, "eos_token_id": 102}
    return AutoConfig.for_model(kind, **common, **small, **ends, intermediate_size=384)


@torch.no_grad()
def carry(source: PreTrainedModel, target: PreTrainedModel) -> None:
    """Writes an encoder's weights into that of another family that computes the same."""
    theirs, ours = tables_of_embeddings(source), tables_of_embeddings(target)
    for name, table in ours.items():
        table.weight[: len(theirs[name].weight)].copy_(theirs[name].weight)
    if theirs.keys() - ours.keys():  # without token types, all are of the first
        ours["positions"].weight += theirs["types"].weight[0]
    norms = (part_of(each, family_in(each).embedding_norm) for each in (source, target))
    copy(*norms)
    for old, new in zip(blocks(source), blocks(target), strict=True):
        for role in ROLES:
            copy(old.linear(role), new.linear(role))
        copy(old.attention_norm, new.attention_norm)
        copy(old.norm, new.norm)


def copy(source: nn.Module, target: nn.Module) -> None:
    target.load_state_dict(source.state_dict())


if __name__ == "__main__":
    wait_passively()
    main()
