"""Do rows without labels help to distil a task that has few rows? Do labels?

    .venv/bin/python benchmarks/more_rows.py glue/cola ../shared/data/glue/CoLA \
        --corpus '../shared/data/general/*.txt.gz' --out runs/more-rows

As in `distillation_choices.py`, teacher and students see no held-out row; these are many here, so
that a difference of some points of the metric can be told from chance. Beside the task's texts
stand corrupted ones (a word dropped, moved, inserted, replaced, or swapped with the next) or
sentences of a corpus, as many steps in all.
"""

import argparse
import glob
import gzip
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import yaml
from transformers import set_seed

from distillation_choices import run, split
from tinybert.measure.evaluate import evaluate
from tinybert.measure.machine import describe_machine
from tinybert.modeling.load import save_model
from tinybert.modeling.torch_model import load_torch
from tinybert.steps.augment.words import change_words
from tinybert.steps.general_distill.config import GeneralDistillConfig
from tinybert.steps.general_distill.step import general_distill
from tinybert.steps.student.config import StudentConfig
from tinybert.steps.student.step import student
from tinybert.tasks.task import Examples, Text, text_parts
from tinybert.training.context import Context

SENTENCE_WORDS = range(4, 21)
LINES_A_FILE = 20000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", help="such as glue/cola")
    parser.add_argument("data", help="its GLUE folder")
    parser.add_argument("--corpus", help="of .txt.gz files, for a task of single sentences")
    parser.add_argument("--only", nargs="+", help="names of variants")
    parser.add_argument(
        "--general", type=int, help="tokens of the corpus to distil on before, from the teacher"
    )
    parser.add_argument("--general-batch", type=int, default=64, help="blocks a step of that")
    parser.add_argument("--held-out", type=int, default=4000)
    parser.add_argument("--teacher-epochs", type=float, default=5)
    parser.add_argument("--epochs", type=float, default=6)
    parser.add_argument("--more", type=int, default=3, help="texts beside each of the task's")
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", nargs="+", default=[], help="settings of `distill`, KEY=VALUE")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.teacher_rows = options.rows = 10**9  # all
    options.out.mkdir(parents=True, exist_ok=True)
    context, held_out = split(options)
    init = general_student(options, context) if options.general else "teacher"
    texts, labels = list(context.train.texts), context.train.labels
    generator = random.Random(options.seed)
    copies = [text for _ in range(options.more) for text in texts]
    words = [word for text in texts for part in text_parts(text) for word in part.split()]
    corrupted = change_words(copies, words, generator)
    fewer = options.epochs / (1 + options.more)
    variants: dict[str, tuple[Examples, dict[str, Any]]] = {
        "its texts": (Examples.of_texts(texts, None, "texts"), {}),
        "its texts and labels": (Examples.of_texts(texts, labels, "rows"), {"label": 1.0}),
        "labels alone": (
            Examples.of_texts(texts, labels, "rows"),
            {"label": 1.0, "prediction": 0.0},
        ),
        "and corrupted texts": (
            Examples.of_texts(texts + corrupted, None, "texts"),
            {"epochs": fewer},
        ),
        "and corrupted texts, longer": (Examples.of_texts(texts + corrupted, None, "texts"), {}),
    }
    if options.corpus:
        general = generator.sample(list(sentences(options.corpus)), len(copies))
        rows = Examples.of_texts([*texts, *general], None, "texts")
        variants["and general sentences"] = (rows, {"epochs": fewer})
    if len(context.task.text) == 2:
        others = generator.sample(copies, len(copies))
        mixed: list[Text] = [
            (first[0], second[1]) for first, second in zip(copies, others, strict=True)
        ]
        half = [*corrupted[::2], *mixed[::2]]
        variants["and other pairs, longer"] = (
            Examples.of_texts([*texts, *mixed], None, "texts"),
            {},
        )
        variants["and both, longer"] = (Examples.of_texts([*texts, *half], None, "texts"), {})
    teacher = evaluate(load_torch(options.out / "teacher"), held_out)["metric"]
    print(f"{describe_machine(torch.get_num_threads())}\n{options.task}, {len(texts)} rows")
    print(f"teacher: {teacher:.4f} on {len(held_out)} held-out training rows")
    print(f"seed {options.seed}; init {init}; {options.more} more beside each; {options.set}")
    print(f"\n| | {context.task.metric} | of the teacher | agreement | KL |\n|-|-|-|-|-|")
    own = {
        key: yaml.safe_load(value)
        for key, _, value in (each.partition("=") for each in options.set)
    }
    for name in options.only or variants:
        rows, settings = variants[name]
        settings = {"epochs": options.epochs, "temperature": 2.0} | settings | own
        here = replace(context, train=rows)
        found = run(options, here, held_out, init, settings, options.seed)
        print(
            f"| {name} | {found['metric']:.4f} | {found['metric'] / teacher:.1%} "
            f"| {found['agreement']:.4f} | {found['kl']:.4f} |",
            flush=True,
        )


def general_student(options: argparse.Namespace, context: Context) -> str:
    """Makes the start that a student from its teacher is after general distillation; its name."""
    name = f"general{options.general}x{options.general_batch}"
    start = options.out / f"start-{name}-{options.heads}-{options.seed}"
    if not start.exists():
        assert context.teacher is not None
        set_seed(options.seed)
        shape = StudentConfig(attention_heads=options.heads)
        model = student(shape, context.teacher, context)
        settings = GeneralDistillConfig(
            max_tokens=options.general,
            length=64,
            batch_size=options.general_batch,
            gradient_accumulation=1,
            learning_rate=3e-4,
            epochs=1,
        )
        here = replace(
            context, unlabeled=(options.corpus,), folder=options.out / f"of-{start.name}"
        )
        save_model(general_distill(settings, model, here), context.tokenizer, start)
    return name


def sentences(corpus: str) -> Iterator[str]:
    """Of the beginnings of all files, those that are neither very short nor long."""
    for path in sorted(glob.glob(corpus)):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for _, line in zip(range(LINES_A_FILE), file, strict=False):
                for sentence in re.split(r"(?<=[.!?])\s+", line.strip()):
                    if len(sentence.split()) in SENTENCE_WORDS:
                        yield sentence


if __name__ == "__main__":
    main()
