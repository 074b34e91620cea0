"""Does sorting rows by length, which makes training faster, make it worse?

    .venv/bin/python benchmarks/length_buckets.py runs/sst2-teacher ../shared/data/glue/SST-2

The same student learns from the same 4,000 training rows for three epochs, with batches cut from
buckets of one batch (random order), of 5 and of 50 batches, 3 seeds each. It is compared with its
teacher on 5,000 other training rows; the evaluation split is not read.
"""

import argparse
import statistics
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from transformers import set_seed

import tinybert.training.row_order
from tinybert.data import read
from tinybert.distillation.config import DistillConfig
from tinybert.distillation.losses import soft_label_loss
from tinybert.distillation.on_rows import distill
from tinybert.measure.evaluate import evaluate
from tinybert.measure.machine import describe_machine
from tinybert.modeling.load import load_model, load_tokenizer, save_model
from tinybert.modeling.torch_model import load_torch
from tinybert.steps.student.config import StudentConfig
from tinybert.steps.student.step import student
from tinybert.tasks import get_task
from tinybert.tasks.task import Examples
from tinybert.training.context import Context


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("teacher", type=Path, help="fine-tuned")
    parser.add_argument("data", help="its GLUE folder")
    parser.add_argument("--task", default="glue/sst-2")
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--others", type=int, default=5000, help="rows to compare on")
    parser.add_argument("--buckets", type=int, nargs="+", default=[1, 5, 50])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()

    task = get_task({"kind": options.task})
    table = read(options.data, "train", task.layout)
    task = task.fit(table)
    rows = task.examples(table)
    others = part(rows, options.rows, options.rows + options.others)
    wanted = load_torch(options.teacher).logits(others.texts)
    teacher = load_model(options.teacher, task)
    train = part(rows, 0, options.rows)
    tokenizer = load_tokenizer(options.teacher)
    context = Context(task, train, tokenizer, 128, 0, Path(), teacher)
    print(describe_machine(torch.get_num_threads()))
    print("| batches a bucket | seed | agreement | KL | accuracy | seconds |\n|-|-|-|-|-|-|")
    for bucket in options.buckets:
        tinybert.training.row_order.BATCHES_PER_BUCKET = bucket
        figures = []
        for seed in options.seeds:
            with TemporaryDirectory() as folder:
                here = replace(context, seed=seed, folder=Path(folder) / "checkpoints")
                set_seed(seed)
                model = student(StudentConfig(), teacher, here)
                set_seed(seed)
                begun = time.monotonic()
                model = distill(DistillConfig(), model, here)
                seconds = time.monotonic() - begun
                save_model(model, tokenizer, Path(folder) / "model")
                loaded = load_torch(Path(folder) / "model")
                ours = loaded.logits(others.texts)
                kl = soft_label_loss(torch.from_numpy(ours), torch.from_numpy(wanted)).item()
                agreement = float(task.agrees(ours, wanted).mean())
                figures.append((agreement, kl, evaluate(loaded, others)["metric"], seconds))
            print(f"| {bucket} | {seed} | {row(figures[-1])} |", flush=True)
        means = [statistics.mean(each) for each in zip(*figures, strict=True)]
        print(f"| {bucket} | mean | {row(means)} |")


def row(figures: tuple[float, ...] | list[float]) -> str:
    agreement, kl, accuracy, seconds = figures
    return f"{agreement:.4f} | {kl:.4f} | {accuracy:.4f} | {seconds:.0f}"


def part(rows: Examples, start: int, end: int) -> Examples:
    assert rows.labels is not None
    return Examples.of_texts(rows.texts[start:end], rows.labels[start:end], rows.source)


if __name__ == "__main__":
    main()
