"""Threads that wait without spinning, in the program's training and nowhere else."""

import json
import os
import subprocess
import sys

import pytest

from tinybert.base.threads import PASSIVE

# What `compress` leaves for OpenMP to read, and what the processes that time models are given.
ASK = """
import json, os, sys
from unittest.mock import patch
from tinybert.cli.main import main
from tinybert.base.threads import users_environment

def checked():
    assert "torch" not in sys.modules, "OpenMP reads them when it is loaded"
    print(json.dumps([dict(os.environ), users_environment()]))
    raise SystemExit

with patch(f"tinybert.cli.{sys.argv[1]}.require_training_packages", checked):
    main(sys.argv[1:])
"""


def asked(*arguments, **given):
    kept = {name: value for name, value in os.environ.items() if name not in PASSIVE}
    done = subprocess.run(
        [sys.executable, "-c", ASK, *arguments],
        env=kept | given,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("command", [["demo"], ["compress", "recipe.yaml"]])
def test_training_waits_passively_and_what_is_timed_runs_as_for_its_users(command):
    own, timed = asked(*command)
    assert own.items() >= PASSIVE.items()
    assert not timed.keys() & PASSIVE.keys()
    assert timed.keys() | PASSIVE.keys() == own.keys()


@pytest.mark.parametrize("name", PASSIVE)
def test_what_the_user_has_set_stays(name):
    own, timed = asked("demo", **{name: "1"})
    assert {key: own.get(key) for key in PASSIVE} == dict.fromkeys(PASSIVE) | {name: "1"}
    assert timed[name] == "1"


TRAIN = """
import hashlib, torch
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.GELU(), torch.nn.Linear(256, 1))
optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
for _ in range(20):
    model(torch.randn(512, 64)).square().mean().backward()
    optimizer.step()
    optimizer.zero_grad()
bits = b"".join(each.detach().numpy().tobytes() for each in model.parameters())
print(hashlib.sha256(bits).hexdigest())
"""


def test_how_threads_wait_changes_no_bit():
    def bits(**given):
        kept = {name: value for name, value in os.environ.items() if name not in PASSIVE}
        environment = kept | {"OMP_NUM_THREADS": "2"} | given
        return subprocess.check_output([sys.executable, "-c", TRAIN], env=environment)

    assert bits() == bits(**PASSIVE)
