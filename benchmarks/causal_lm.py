"""A small GPT-2 and a student of half its layers: perplexity, with distillation and without, int8.

    .venv/bin/python benchmarks/causal_lm.py WORK [--minutes 60] [--data ../shared/data]

A byte-level tokenizer and the teacher are trained on passages of general English. The student takes
half of the teacher's layers with their weights, and learns from as many batches by the teacher's
next tokens as it does, in another run, by the text's own alone. The first is quantized while it
learns. Perplexities are those of passages that nothing was trained on, in windows of 128 tokens.
Half of the minutes are the teacher's; measuring comes on top. A run goes on where it stopped.
"""

import argparse
import gzip
import json
import time
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import GPT2Config, GPT2LMHeadModel, GPT2TokenizerFast

import tinybert

LENGTH, BATCH = 128, 32
END = "<|endoftext|>"
PROMPTS, NEW = 16, 64


def main() -> None:
    options = parse()
    work: Path = options.work
    work.mkdir(parents=True, exist_ok=True)
    write_passages(options, work)
    teacher = make_teacher(options, work)
    steps = plan_of(options, teacher, work / "plan.json")
    student = {"layers": options.layers // 2, "hidden_size": options.width}
    student |= {"attention_heads": options.heads, "intermediate_size": 4 * options.width}
    data = {"train": str(work / "train.txt"), "eval": str(work / "eval.txt"), "max_length": LENGTH}
    common = {"task": "causal-lm", "data": data}

    def training(name: str, rate: float) -> dict[str, Any]:
        settings = {"max_steps": steps[name], "epochs": 1000, "batch_size": BATCH}
        return {**settings, "learning_rate": rate, "warmup": 0.05}

    distilled = tinybert.compress(
        {
            "teacher": str(teacher),
            **common,
            "steps": [
                {"finetune": training("teacher", 1e-3)},
                {"student": student},
                {"distill": {**training("student", 5e-4), "temperature": 1.0, "label": 0.5}},
                {"quantize": {"method": "qat", "distill": training("qat", 1e-4)}},
            ],
        },
        work / "distilled",
    ).report
    trained = next((work / "distilled/steps").glob("01-finetune-*/model"))
    alone = tinybert.compress(
        {
            "teacher": str(trained),
            **common,
            "steps": [{"student": student}, {"finetune": training("student", 5e-4)}],
        },
        work / "alone",
    ).report
    print("machine:", distilled["machine"], "steps:", steps)
    show("teacher", distilled["teacher"])
    show("student, before it learns", {"metric": alone["steps"][0]["metric"]})
    show("student, next tokens of the text", alone["artifacts"][0])
    show("student, distilled", {"metric": distilled["steps"][2]["metric"]})
    for each in distilled["artifacts"]:
        show(f"student after qat, {each['path']}", each)
    same = compare(work)
    print(f"{NEW} greedy tokens, PyTorch and ONNX fp32: equal for {same} of {PROMPTS} prompts")


def show(name: str, score: dict[str, Any]) -> None:
    """Prints a perplexity, with its interval and size where they are known."""
    ends = f" ({score['metric_low']:.2f} to {score['metric_high']:.2f})" if "bytes" in score else ""
    size = f", {score['bytes'] / 1e6:.1f} MB" if "bytes" in score else ""
    right = f", right {score['metrics']['token_accuracy']:.4f}" if "metrics" in score else ""
    print(f"{name}: perplexity {score['metric']:.2f}{ends}{right}{size}")


def compare(work: Path) -> int:
    """For how many prompts PyTorch and the fp32 file write the same."""
    folder = work / "distilled/student"
    stock = GPT2LMHeadModel.from_pretrained(folder).eval()
    tokenizer = GPT2TokenizerFast.from_pretrained(folder)
    artifact = tinybert.load(work / "distilled/onnx/model.onnx")
    lines = (work / "eval.txt").read_text(encoding="utf-8").splitlines()
    same = 0
    for line in lines[:PROMPTS]:
        prompt = tokenizer.decode(tokenizer(line).input_ids[:8])
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        mask = torch.ones_like(ids)
        out = stock.generate(ids, attention_mask=mask, max_new_tokens=NEW, do_sample=False)
        wanted = tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
        given = artifact.generate(prompt, max_new_tokens=NEW)
        same += given == wanted
        if line is lines[0]:
            print(f"{prompt!r} goes on: {given!r}")
    return same


def write_passages(options: argparse.Namespace, work: Path) -> None:
    """Writes the rows to learn from, of the first files, and those to measure on, of the last."""
    files = sorted((options.data / "general").glob("*.txt.gz"))
    for name, sources, count in (
        ("train.txt", files[:-1], options.passages),
        ("eval.txt", files[-1:], options.measured),
    ):
        if not (work / name).exists():
            rows = (row for path in sources for row in passages(path))
            text = "".join(f"{row}\n" for row in islice(rows, count))
            (work / name).write_text(text, encoding="utf-8")


def passages(path: Path) -> Any:
    """The passages of a file that are a sentence or more."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from (line.strip() for line in lines if len(line) > 200)


def make_teacher(options: argparse.Namespace, work: Path) -> Path:
    """Writes a model of random weights with a tokenizer of its own."""
    folder = work / "random"
    if (folder / "config.json").exists():
        return folder
    trained = ByteLevelBPETokenizer()
    trained.train(
        [str(work / "train.txt")], options.pieces, special_tokens=[END], show_progress=False
    )
    state = json.loads(trained.to_str())["model"]
    merges = [tuple(merge) for merge in state["merges"]]
    tokenizer = GPT2TokenizerFast(vocab=state["vocab"], merges=merges, model_max_length=LENGTH)
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=LENGTH,
        n_embd=options.width,
        n_layer=options.layers,
        n_head=options.heads,
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    tokenizer.save_pretrained(folder)
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def plan_of(options: argparse.Namespace, teacher: Path, path: Path) -> dict[str, int]:
    """Optimizer steps of each training, by what one takes here; kept for a run that goes on."""
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    model = GPT2LMHeadModel.from_pretrained(teacher)
    seconds = 60 * options.minutes
    large = pace(model)
    model.transformer.h = model.transformer.h[: options.layers // 2]
    small = pace(model)
    plan = {
        "teacher": int(0.5 * seconds / large),
        # Once with the teacher's forward pass, a third of a step, and once without.
        "student": int(0.38 * seconds / (2 * small + large / 3)),
        "qat": int(0.12 * seconds / (1.5 * small + large / 3)),
    }
    plan = {name: max(count, 3) for name, count in plan.items()}
    path.write_text(json.dumps(plan), encoding="utf-8")
    return plan


def pace(model: Any, count: int = 3) -> float:
    """Seconds of a training step of a full batch."""
    from tinybert.training.trainer import native_bf16

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.train().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    ids = torch.randint(0, model.config.vocab_size, (BATCH, LENGTH), device=device)
    times = []
    for _ in range(count + 1):
        start = time.perf_counter()
        with torch.autocast(device, torch.bfloat16, enabled=native_bf16()):
            loss = model(ids, labels=ids, use_cache=False).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return min(times[1:])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--minutes", type=float, default=60, help="of training, all together")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--passages", type=int, default=100_000, help="to learn from")
    parser.add_argument("--measured", type=int, default=500, help="passages to measure on")
    parser.add_argument("--pieces", type=int, default=8192)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--heads", type=int, default=4)
    return parser.parse_args()


if __name__ == "__main__":
    main()
