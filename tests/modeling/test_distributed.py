"""Two processes on one recipe, as `torchrun` starts them, against one with twice the batch."""

import json
import os
import subprocess
import sys

import pytest
import torch
import yaml
from safetensors.torch import load_file

from tinybert.modeling.distributed import agree, is_main, rank, world_size


def test_alone_there_is_one():
    assert (world_size(), rank(), is_main(), agree(True), agree(False)) == (1, 0, True, True, False)


@pytest.fixture
def run(tiny_bert_dir, reviews, tmp_path):
    """Runs a recipe in so many processes until its steps are done; returns its folder."""
    data = tmp_path / "reviews.jsonl"
    data.write_text("\n".join(map(json.dumps, reviews)), encoding="utf-8")
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("\n".join(row["sentence"] for row in reviews * 4), encoding="utf-8")

    def start(processes, batch_size, name):
        training = {"batch_size": batch_size, "bf16": False}
        shape = {"layers": 1, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}
        layers = {"hidden": 1.0, "attention": 1.0}
        general = training | {"length": 16, "gradient_accumulation": 2, "max_steps": 5}
        values = {
            "teacher": str(tiny_bert_dir),
            "task": "text-classification",
            "data": {
                "train": str(data),
                "eval": str(data),
                "max_length": 32,
                "unlabeled": [str(corpus)],
            },
            "steps": [
                {"student": shape},
                {"general-distill": general},
                # Labels, since this teacher's gradients alone are little more than rounding.
                {"distill": training | {"epochs": 3, "learning_rate": 1e-2, "label": 1.0} | layers},
            ],
        }
        recipe, out = tmp_path / f"{name}.yaml", tmp_path / name
        recipe.write_text(yaml.safe_dump(values), encoding="utf-8")
        launcher = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
        command = [sys.executable, *(launcher if processes > 1 else [])]
        command += ["-m", "tinybert", "compress", str(recipe), "--out", str(out), "--json"]
        environment = os.environ | {
            "TINYBERT_CACHE": str(tmp_path / f"cache-{name}"),
            "OMP_NUM_THREADS": "1",
        }
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return out, json.loads(done.stdout)

    return start


def weights(out, step):
    (file,) = out.glob(f"steps/0?-{step}-*/model/model.safetensors")
    return load_file(file)


def test_two_processes_do_as_one_with_twice_the_batch(run):
    (one, report), (two, other) = run(1, 8, "one"), run(2, 4, "two")
    before = weights(one, "student")
    assert all(torch.equal(w, before[name]) for name, w in weights(two, "student").items())
    for step in ("general-distill", "distill"):
        # Adam makes whole steps of rounding errors where a gradient is nearly 0, so some weights
        # differ; no loss depends on the biases of keys at all.
        ours, theirs = weights(two, step), weights(one, step)
        names = [name for name in theirs if not name.endswith("key.bias")]
        apart = sum((ours[name] - theirs[name]).square().sum() for name in names)
        moved = sum((theirs[name] - before[name]).square().sum() for name in names)
        assert (apart / moved) ** 0.5 < 0.05, step
        before = theirs
    assert report["task"] == other["task"]
    for ours, theirs in zip(report["artifacts"], other["artifacts"], strict=True):
        assert ours["metric"] == theirs["metric"]
        assert ours["path"] == theirs["path"]
    assert [step["metric"] for step in report["steps"]] == [s["metric"] for s in other["steps"]]
    assert not list(two.parent.glob("cache-two/teachers/.*.partial"))
