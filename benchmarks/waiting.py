"""A training step with threads that spin while they wait, and with threads that sleep.

    .venv/bin/python benchmarks/waiting.py --threads 2

A student of TinyBERT's shape learns from random logits, in a process each of one thread, of
several whose waiting is the default, and of several that wait passively, as `tinybert compress`
has it. They take turns, with nothing beside them and with a process that computes without end.
Ratios are medians of turns.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from statistics import median

from tinybert.base.threads import PASSIVE
from tinybert.measure.machine import BusyWatch, describe_machine

SHAPE = {
    "vocab_size": 3000,
    "hidden_size": 312,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 1200,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--steps", type=int, default=5, help="of a turn")
    parser.add_argument("--rows", type=int, default=16, help="of a step, 64 tokens each")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        train(options)
        return
    many = f"{options.threads} threads"
    kinds = {
        "1 thread": (1, {}),
        f"{many}, default": (options.threads, {}),
        f"{many}, passive": (options.threads, PASSIVE),
    }
    workers = {name: start(options, *kind) for name, kind in kinds.items()}
    print(describe_machine(options.threads))
    print(f"load average before: {os.getloadavg()[0]:.1f}")
    print("| beside | others' share | " + " | ".join(kinds) + " | passive to default, to 1 |")
    print("|-|-|" + "-|" * len(kinds) + "-|")
    for beside in (False, True):
        seconds = turns(workers, options.turns, beside)
        one, default, passive = seconds["times"].values()
        cells = [f"{median(each):.2f} s" for each in (one, default, passive)]
        ratios = [
            median(other / own for other, own in zip(others, passive, strict=True))
            for others in (default, one)
        ]
        name = "a busy process" if beside else "nothing of ours"
        print(
            f"| {name} | {seconds['busy']:.0%} | {' | '.join(cells)} | "
            f"{ratios[0]:.2f}x, {ratios[1]:.2f}x faster |",
            flush=True,
        )
    for worker in workers.values():
        worker.kill()


def start(options: argparse.Namespace, threads: int, waits: dict[str, str]) -> subprocess.Popen:
    kept = {name: value for name, value in os.environ.items() if name not in PASSIVE}
    command = [sys.executable, __file__, "--worker", "--threads", str(threads)]
    command += ["--steps", str(options.steps), "--rows", str(options.rows)]
    worker = subprocess.Popen(
        command,
        env=kept | {"OMP_NUM_THREADS": str(threads)} | waits,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    ask(worker)  # the first steps make what later ones use
    return worker


def ask(worker: subprocess.Popen) -> float:
    """Seconds of some steps."""
    print(file=worker.stdin, flush=True)
    return json.loads(worker.stdout.readline())


def turns(workers: dict[str, subprocess.Popen], count: int, beside: bool) -> dict:
    neighbour = [subprocess.Popen([sys.executable, "-c", "while True: pass"])] if beside else []
    watch = BusyWatch([worker.pid for worker in workers.values()])
    try:
        rows = [[ask(worker) for worker in workers.values()] for _ in range(count)]
        busy = watch.share() or 0.0
    finally:
        for process in neighbour:
            process.kill()
            process.wait()
    return {"times": dict(zip(workers, zip(*rows, strict=True), strict=True)), "busy": busy}


def train(options: argparse.Namespace) -> None:
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    model = BertForSequenceClassification(BertConfig(**SHAPE)).train()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4)
    tokens = torch.randint(3000, (options.rows, 64))
    wanted = torch.randn(options.rows, 2)
    for _ in sys.stdin:
        start = time.perf_counter()
        for _ in range(options.steps):
            (model(tokens).logits - wanted).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
        print(json.dumps(time.perf_counter() - start), flush=True)


if __name__ == "__main__":
    main()
