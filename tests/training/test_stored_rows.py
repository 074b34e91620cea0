"""Rows that stay on the disk train as those in memory do."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from tinybert.data import read, stored
from tinybert.measure.data_report import data_report
from tinybert.modeling.load import load_model, load_tokenizer
from tinybert.recipe.inputs import hash_examples
from tinybert.steps.finetune.config import FinetuneConfig
from tinybert.steps.finetune.step import finetune
from tinybert.tasks import get_task
from tinybert.tasks.stored_rows import StoredRows
from tinybert.training import batches
from tinybert.training.batches import EncodedExamples


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("TINYBERT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def both(reviews, tmp_path, monkeypatch):
    """The reviews in memory and on the disk."""
    path = tmp_path / "reviews.jsonl"
    long = [
        row | {"sentence": f"{row['sentence']} {n} " + "film " * 60}
        for n, row in enumerate(reviews)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in long), encoding="utf-8")
    task = get_task("text-classification")
    in_memory = read(path)
    monkeypatch.setattr(stored, "LARGE", 0)
    monkeypatch.setattr(stored, "MOST_VALUES", 10)
    on_disk = read(path)
    task = task.fit(in_memory)
    assert task == task.fit(on_disk)
    return task, task.examples(in_memory), task.examples(on_disk)


def test_inputs_are_the_same_and_made_once(both, tiny_bert_dir, monkeypatch):
    task, in_memory, on_disk = both
    assert isinstance(on_disk.rows, StoredRows)
    assert [*on_disk.texts] == in_memory.texts
    monkeypatch.setattr(batches, "_ROWS_AT_A_TIME", 7)
    told = []
    inputs = [
        EncodedExamples(rows, load_tokenizer(tiny_bert_dir), 32, task, lambda *n: told.append(n))
        for rows in (in_memory, on_disk)
    ]
    assert told[-1] == (40, 40)
    assert [*inputs[0].lengths] == [*inputs[1].lengths]
    for one, other in zip(*inputs, strict=True):
        assert one == other
    told.clear()
    again = EncodedExamples(
        on_disk, load_tokenizer(tiny_bert_dir), 32, task, lambda *n: told.append(n)
    )
    assert told == [], "it is tokenized already"
    assert again.hash() == inputs[1].hash()
    shorter = EncodedExamples(on_disk, load_tokenizer(tiny_bert_dir), 16, task)
    assert shorter.hash() != again.hash()
    assert max(shorter.lengths) == 16


def test_training_ends_with_the_same_bits(both, tiny_context, tiny_bert_dir, tmp_path):
    task, *sides = both
    weights = []
    for number, rows in enumerate(sides):
        context = tiny_context(task=task, train=rows, folder=tmp_path / str(number))
        torch.manual_seed(0)
        config = FinetuneConfig(
            epochs=1, batch_size=8, bf16=False, early_stopping={"hold_out": 0.3}
        )
        weights.append(finetune(config, load_model(tiny_bert_dir, task), context).state_dict())
    for name, weight in weights[0].items():
        assert torch.equal(weight, weights[1][name]), name


def test_what_is_said_of_them_is_the_same(both, tiny_bert_dir):
    task, *sides = both
    tokenizer = load_tokenizer(tiny_bert_dir)
    found = [data_report(task, rows, rows, tokenizer, 16) for rows in sides]
    assert found[0] == found[1]
    assert found[0]["eval"]["in_train"] == 40
    some = [rows.take([3, 5]) for rows in sides]
    assert some[0].texts == some[1].texts
    assert np.array_equal(some[0].labels, some[1].labels)
    assert hash_examples(sides[1]) != hash_examples(sides[1].take([3, 5]))


TRAIN = """
import json, resource, sys
from pathlib import Path
import torch
from tinybert.data import read
from tinybert.distillation.config import DistillConfig
from tinybert.distillation.on_rows import distill
from tinybert.measure.data_report import data_report
from tinybert.modeling.load import load_model, load_tokenizer
from tinybert.recipe.inputs import hash_examples
from tinybert.steps.student.build import build_student
from tinybert.steps.student.config import StudentConfig
from tinybert.tasks import get_task
from tinybert.training.context import Context

folder, rows = Path(sys.argv[1]), sys.argv[2]
table = read(rows)
task = get_task("text-classification").fit(table)
train = task.examples(table)
hash_examples(train)
tokenizer = load_tokenizer(folder)
data_report(task, train, train.take(range(100)), tokenizer, 64)
teacher = load_model(folder, task)
shape = {"layers": 1, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}
student = build_student(StudentConfig(**shape), teacher)
context = Context(task, train, tokenizer, 64, 0, Path(rows).parent / "work", teacher=teacher)
steps = []
context = Context(**(vars(context) | {"progress": lambda p: steps.append((p.step, p.done))}))
distill(DistillConfig(max_steps=500, batch_size=16, cache="off", bf16=False), student, context)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(json.dumps({"rows": len(train), "gigabytes": peak, "last": steps[-1]}))
"""


@pytest.mark.slow
def test_three_gigabytes_are_learned_from_within_two(tiny_bert_dir, tmp_path):
    """$TINYBERT_GIGABYTES makes it another number of them."""
    size = float(os.environ.get("TINYBERT_GIGABYTES", "3")) * 1e9
    path = tmp_path / "rows.jsonl"
    dice = np.random.default_rng(0)
    words = np.array((tiny_bert_dir / "vocab.txt").read_text(encoding="utf-8").split()[-90:])
    with path.open("w", encoding="utf-8") as file:
        number = 0
        while file.tell() < size:
            lines = []
            for text in words[dice.integers(0, len(words), (2000, 300))]:
                number += 1
                row = {"sentence": f"{number} {' '.join(text)}", "label": number % 2}
                lines.append(json.dumps(row) + "\n")
            file.write("".join(lines))
    ran = subprocess.run(
        [sys.executable, "-c", TRAIN, tiny_bert_dir, path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    (tmp_path / "found.json").write_text(json.dumps(found), encoding="utf-8")
    assert found["rows"] == number
    assert found["last"] == ["distill", 500]
    assert found["gigabytes"] <= 2
