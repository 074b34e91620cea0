"""`kill -9` in the middle of a run, then the same command again."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[1]
PATIENCE = 300


@pytest.fixture
def recipe(tiny_bert_dir, reviews, tmp_path):
    """Long enough to be killed in, with checkpoints every few steps."""
    data = tmp_path / "reviews.jsonl"
    data.write_text("\n".join(map(json.dumps, reviews)), encoding="utf-8")
    training = {"batch_size": 8, "checkpoint_steps": 4}
    shape = {"layers": 1, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}
    values = {
        "teacher": str(tiny_bert_dir),
        "task": "text-classification",
        "data": {"train": str(data), "eval": str(data), "max_length": 32},
        "steps": [
            {"finetune": training | {"epochs": 3}},
            {"student": shape},
            {"distill": training | {"epochs": 20, "hidden": 1, "attention": 1}},
        ],
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


def run_until(recipe, out, reached, *options, by=signal.SIGKILL):
    """Starts `tinybert compress` and kills it, children and all, once `reached` says so.

    Returns:
        What it said, and its exit code.
    """
    # Whoever runs the tests in the background of a shell has it that interrupts are ignored.
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from tinybert.cli.main import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", program, "compress", str(recipe), "--out", str(out), *options]
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE) as process:
        start = time.monotonic()
        while not reached():
            assert process.poll() is None, process.stderr.read().decode()
            assert time.monotonic() - start < PATIENCE
            time.sleep(0.01)
        os.killpg(process.pid, by)
        said = process.communicate()[1].decode()
    return said, process.returncode


def weights(out):
    """The weights of each finished step."""
    return {path.parts[-3]: path.read_bytes() for path in out.glob("steps/*/model/*.safetensors")}


def test_a_run_killed_while_it_distills_ends_with_the_same_bytes(recipe, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"

    # Measuring takes longer than all before it and changes no weights: stop ahead of it.
    def trained(out):
        return lambda: len(weights(out)) == 3

    def has_checkpoint():
        return any(killed.glob("steps/.03-distill-*/checkpoints/checkpoint-*/complete"))

    run_until(recipe, whole, trained(whole))
    run_until(recipe, killed, has_checkpoint)
    assert len(weights(killed)) == 2
    run_until(recipe, killed, trained(killed))
    assert weights(killed) == weights(whole)


def test_an_interrupt_saves_a_checkpoint_and_says_how_to_go_on(recipe, tmp_path):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    long = ["--set", "steps.distill.epochs=100", "--set", "steps.distill.checkpoint_steps=20"]

    def trained(out):
        return lambda: len(weights(out)) == 3

    def distills():
        return any(stopped.glob("steps/.03-distill-*/checkpoints/checkpoint-*/complete"))

    run_until(recipe, whole, trained(whole), *long)
    said, code = run_until(recipe, stopped, distills, "--fresh", *long, by=signal.SIGINT)
    assert code == 130
    line = said.splitlines()[-1]
    command = f"compress {recipe} --out {stopped} {' '.join(long)}"
    assert "--fresh" not in line
    match = re.search(r"interrupted: a checkpoint is saved at step (\d+) of \d+; to go on:", line)
    assert match, said
    assert line.endswith(command)
    said, _ = run_until(recipe, stopped, trained(stopped), *long)
    assert f"from the checkpoint at step {match[1]}" in said
    assert "[1/5] finetune  done before in" in said
    assert weights(stopped) == weights(whole)


@pytest.mark.slow
def test_five_kills_at_random_moments():
    script = REPOSITORY / "benchmarks" / "kill_and_resume.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
