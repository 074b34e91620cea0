"""Two processes under `torchrun` against one with twice the batch: loss curves, rows per second.

    .venv/bin/python benchmarks/two_processes.py runs/sst2-teacher ../shared/data/glue/SST-2

Both train the same student for 50 steps on SST-2 by predictions and by the layers, in fp32 on the
CPU through gloo: one process with all cores, then two with half of them each.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from transformers import set_seed

from tinybert.data import read
from tinybert.distillation.config import DistillConfig
from tinybert.distillation.trainer import DistillationTrainer
from tinybert.distillation.training import run_distillation
from tinybert.measure.machine import describe_machine, visible_cores
from tinybert.modeling.distributed import is_main, start
from tinybert.modeling.load import load_model, load_tokenizer
from tinybert.steps.student.config import StudentConfig
from tinybert.steps.student.step import student
from tinybert.tasks import get_task
from tinybert.training.batches import EncodedExamples
from tinybert.training.context import Context
from tinybert.training.trainer import trainer_options

ROWS = 4000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("teacher", type=Path, help="fine-tuned")
    parser.add_argument("data", help="its GLUE folder")
    parser.add_argument("--task", default="glue/sst-2")
    parser.add_argument("--batch", type=int, default=32, help="rows a step, of all processes")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        train(options)
        return
    print(describe_machine(visible_cores()))
    print(f"{options.task}, {options.steps} steps of {options.batch} rows, fp32")
    curves = {}
    for losses in ("predictions", "layers"):
        for processes in (1, 2):
            result = launch(options, processes, losses)
            curves[losses, processes] = result["losses"]
            print(
                f"{losses}, {processes} process(es): {result['rows_per_s']:.0f} rows/s, "
                f"loss {result['losses'][0]:.4f} to {result['losses'][-1]:.4f}"
            )
        pairs = zip(curves[losses, 1], curves[losses, 2], strict=True)
        print(f"{losses}: greatest difference of losses {max(abs(a - b) for a, b in pairs):.1e}")


def launch(options: argparse.Namespace, processes: int, losses: str) -> dict[str, object]:
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
    with TemporaryDirectory() as folder:
        threads = str(max(1, visible_cores() // processes))
        environment = os.environ | {"OMP_NUM_THREADS": threads, "LOSSES": losses}
        command = [sys.executable, *(torchrun if processes > 1 else []), __file__]
        command += [str(options.teacher), options.data, "--task", options.task, "--worker", folder]
        command += ["--batch", str(options.batch // processes), "--steps", str(options.steps)]
        subprocess.run(command, env=environment, check=True, stdout=sys.stderr)
        return json.loads((Path(folder) / "result.json").read_text())


def train(options: argparse.Namespace) -> None:
    start()
    task = get_task({"kind": options.task})
    table = read(options.data, "train", task.layout)
    rows = task.fit(table).examples(table)
    texts = rows.texts[:ROWS]
    train_rows = type(rows)(texts, None, rows.source)
    tokenizer = load_tokenizer(options.teacher)
    teacher = load_model(options.teacher, task)
    layers = {"prediction": 0.0, "hidden": 1.0, "embedding": 1.0, "relations": 1.0}
    weights = layers if os.environ["LOSSES"] == "layers" else {}
    config = DistillConfig(
        batch_size=options.batch,
        epochs=options.steps,  # enough: the steps are what ends it
        max_steps=options.steps,
        bf16=False,
        **weights,
    )
    context = Context(task, train_rows, tokenizer, 128, 0, options.worker, teacher)
    set_seed(0)
    model = student(StudentConfig(), teacher, context)
    encoded = EncodedExamples(train_rows, tokenizer, 128)
    arguments = trainer_options(
        config, encoded, tokenizer, options.worker / "checkpoints", seed=0, step="distill"
    )
    arguments["args"].logging_steps = 1
    arguments["args"].save_strategy = "no"
    trainer = DistillationTrainer(model, teacher=teacher, settings=config, **arguments)
    begun = time.monotonic()
    run_distillation(trainer, model, config)
    seconds = time.monotonic() - begun
    if is_main():
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        world = trainer.args.world_size
        result = {
            "losses": losses,
            "rows_per_s": options.steps * options.batch * world / seconds,
            "torch": torch.__version__,
        }
        (options.worker / "result.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main()
