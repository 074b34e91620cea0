"""Rows a second and accuracy of `distill` beside TextBrewer's distillers, interleaved, on CPU.

    pip install --no-deps --target /tmp/textbrewer textbrewer
    PYTHONPATH=/tmp/textbrewer .venv/bin/python benchmarks/distillation_speed.py \
        --teacher runs/sst2-teacher --data ../shared/data/glue/SST-2

Every run is a fresh process that trains the same student from the same weights on the same rows.
Its clock starts at the texts, with both models loaded, and stops when training ends: tokenizing
counts, building our teacher cache, and the checkpoints that either side writes on its own.

TextBrewer gets batches padded to their longest row, our optimizer and schedule, the Trainer's
gradient norm of 1, and T² as the weight of its loss, which ours contains. It runs in fp32: its
own fp16 needs NVIDIA's Apex. Peers beside that: `+bf16`, autocast around its models, and
`+cache`, its BasicDistiller, which repeats the batches of its first pass with their logits.

Ends with 1 where we are less than 4.5 times as fast as `textbrewer`.
"""

import argparse
import json
import logging
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from textbrewer import BasicDistiller, DistillationConfig, GeneralDistiller, TrainingConfig
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, get_linear_schedule_with_warmup, set_seed

from tinybert.data.read import read
from tinybert.distillation.config import DistillConfig
from tinybert.distillation.on_rows import distill
from tinybert.measure.evaluate import evaluate
from tinybert.measure.machine import describe_machine
from tinybert.modeling.load import load_model, load_tokenizer, save_model, tokenize
from tinybert.modeling.torch_model import load_torch
from tinybert.steps.student.config import StudentConfig
from tinybert.steps.student.step import student
from tinybert.tasks import get_task
from tinybert.tasks.task import Examples
from tinybert.training.context import Context

TASK = get_task("glue/sst-2")
MAX_LENGTH = 128
PEERS = ["textbrewer", "textbrewer+bf16", "textbrewer+cache", "textbrewer+cache+bf16"]
Run = dict[str, float]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--teacher", type=Path, required=True, help="fine-tuned on SST-2")
    parser.add_argument("--data", type=Path, required=True, help="SST-2's GLUE folder")
    parser.add_argument("--rows", type=int, default=4000, help="of the training rows, at random")
    parser.add_argument("--others", type=int, default=5000, help="rows to compare on, not learned")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the order")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS[:1])
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)  # side, seed, folder
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    if options.one:
        print(json.dumps(run_one(options, *options.one)))
        return 0
    versions = {package: metadata.version(package) for package in ("accelerate", "textbrewer")}
    print(describe_machine(torch.get_num_threads()) | versions)
    print(f"SST-2, {options.rows} rows, {options.epochs} epochs, batch {options.batch}")
    runs: dict[str, list[Run]] = {side: [] for side in [*options.peers, "tinybert"]}
    with tempfile.TemporaryDirectory() as temporary:
        make_student(options, Path(temporary))
        for seed in options.seeds:
            for side, done in runs.items():
                done.append(in_fresh_process(side, seed, temporary))
                figures = (f"{name} {value:.4g}" for name, value in done[-1].items())
                print(f"{side:22}seed {seed}", *figures, sep="  ", flush=True)
    return summarize(runs)


def make_student(options: argparse.Namespace, folder: Path) -> None:
    """Saves the untrained student, without dropout, as folder/student."""
    tokenizer = load_tokenizer(options.teacher)
    context = Context(TASK, training_rows(options), tokenizer, MAX_LENGTH, 0, folder)
    small = student(StudentConfig(), load_model(options.teacher, TASK), context)
    small.config.hidden_dropout_prob = small.config.attention_probs_dropout_prob = 0.0
    save_model(small, tokenizer, folder / "student")
    for name, model in {"teacher": options.teacher, "student": folder / "student"}.items():
        print(f"{name} before training: accuracy {accuracy(options, model):.4f}", flush=True)


def training_rows(options: argparse.Namespace) -> Examples:
    return some_rows(options, 0, options.rows)


def other_rows(options: argparse.Namespace) -> Examples:
    """More than the dev set has, of the same kind; the teacher, but no student, learned on them."""
    return some_rows(options, options.rows, options.rows + options.others)


def some_rows(options: argparse.Namespace, start: int, end: int) -> Examples:
    every = TASK.examples(read(options.data))
    assert every.labels is not None
    chosen = random.Random(0).sample(range(len(every)), len(every))[start:end]
    return Examples.of_texts(
        [every.texts[row] for row in chosen], every.labels[chosen], every.source
    )


def accuracy(options: argparse.Namespace, model: Path) -> float:
    """On the whole dev set, through PyTorch in fp32."""
    return float(evaluate(load_torch(model), TASK.examples(read(options.data, "eval")))["metric"])


def in_fresh_process(side: str, seed: int, folder: str) -> Run:
    with tempfile.TemporaryDirectory(dir=folder) as own:
        command = [sys.executable, __file__, *sys.argv[1:], "--one", side, str(seed), own]
        environment = os.environ | {"TINYBERT_CACHE": f"{own}/cache", "CUDA_VISIBLE_DEVICES": ""}
        ran = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def run_one(options: argparse.Namespace, side: str, seed: str, folder: str) -> Run:
    """Trains in this process, from the student that `make_student` saved."""
    own = Path(folder)
    model = load_model(own.parent / "student", TASK)
    teacher = load_model(options.teacher, TASK)
    tokenizer = load_tokenizer(options.teacher)
    rows = training_rows(options)
    context = Context(TASK, rows, tokenizer, MAX_LENGTH, int(seed), own, teacher=teacher)
    length = {"epochs": options.epochs, "batch_size": options.batch}
    config = DistillConfig(**length, learning_rate=1e-4, temperature=4)
    train = distill if side == "tinybert" else partial(textbrewer, side)
    start = time.perf_counter()
    train(config, model, context)
    seconds = time.perf_counter() - start
    save_model(model, tokenizer, own / "trained")
    speed = options.rows * options.epochs / seconds
    trained, others = load_torch(own / "trained"), other_rows(options)
    agrees = TASK.agrees(
        trained.logits(others.texts), load_torch(options.teacher).logits(others.texts)
    )
    return {
        "seconds": seconds,
        "rows/s": speed,
        "accuracy": accuracy(options, own / "trained"),
        "agreement": float(agrees.mean()),
    }


def textbrewer(side: str, config: DistillConfig, model: PreTrainedModel, context: Context) -> None:
    """What our step does, by TextBrewer."""
    set_seed(context.seed)
    models: Any = [context.teacher, model]
    if "+bf16" in side:
        for module in models:
            module.forward = torch.autocast("cpu", torch.bfloat16)(module.forward)
    columns = tokenize(context.train.texts, context.tokenizer, context.max_length)
    rows: Any = [{k: v[row] for k, v in columns.items()} for row in range(len(context.train))]
    loader: DataLoader[Any] = DataLoader(
        rows,
        batch_size=config.batch_size,
        shuffle=True,
        # A plain dict: TextBrewer would pass the names of any other mapping as inputs.
        collate_fn=lambda rows: dict(context.tokenizer.pad(rows, return_tensors="pt")),
    )
    losses = DistillationConfig(
        temperature=config.temperature,
        kd_loss_type="ce",
        kd_loss_weight=config.temperature**2,
        is_caching_logits="+cache" in side,
    )
    outputs = [lambda batch, output: {"logits": output.logits.float()}] * 2
    settings = TrainingConfig(device="cpu", output_dir=str(context.folder))
    distiller_class = BasicDistiller if "+cache" in side else GeneralDistiller
    steps = len(loader) * int(config.epochs)
    warmup = math.ceil(config.warmup * steps)
    with (distiller := distiller_class(settings, losses, *models, *outputs)):
        distiller.train(
            adamw(model, config),
            loader,
            num_epochs=int(config.epochs),
            scheduler_class=get_linear_schedule_with_warmup,
            scheduler_args={"num_warmup_steps": warmup, "num_training_steps": steps},
            max_grad_norm=1.0,
        )


def adamw(model: PreTrainedModel, config: DistillConfig) -> torch.optim.AdamW:
    """As the Trainer makes it: fused, without decay of the vectors (biases and LayerNorms)."""
    groups: Any = [
        {"params": [p for p in model.parameters() if p.ndim == ndim], "weight_decay": decay}
        for ndim, decay in ((2, config.weight_decay), (1, 0.0))
    ]
    return torch.optim.AdamW(groups, config.learning_rate, fused=True)


def summarize(runs: dict[str, list[Run]]) -> int:
    speed = {side: statistics.median(run["rows/s"] for run in done) for side, done in runs.items()}
    print(
        "\nmedian rows/s; ours / theirs; means (standard deviations) of the accuracy on "
        "the dev set and of the agreement with the teacher on other training rows"
    )
    for side, done in runs.items():
        line = f"{side:22}{speed[side]:7.1f}  {speed['tinybert'] / speed[side]:.2f}"
        for figure in ("accuracy", "agreement"):
            scores = [run[figure] for run in done]
            spread = statistics.stdev(scores) if len(scores) > 1 else math.nan
            line += f"  {statistics.mean(scores):.4f} ({spread:.4f})"
        print(line)
    return int(speed["tinybert"] < 4.5 * speed.get("textbrewer", 0.0))


if __name__ == "__main__":
    sys.exit(main())
