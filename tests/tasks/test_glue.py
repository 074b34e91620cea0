"""GLUE's own files, read as its tasks."""

import numpy as np
import pytest

from tinybert.data import read
from tinybert.tasks import get_task

ROWS = {
    ("SST-2", "train"): 67349,
    ("SST-2", "eval"): 872,
    ("CoLA", "train"): 8551,
    ("CoLA", "eval"): 1043,
    ("MRPC", "train"): 3667,  # our copy lacks one of GLUE's 3,668
    ("MRPC", "eval"): 408,
    ("STS-B", "train"): 5749,
    ("STS-B", "eval"): 1500,
    ("RTE", "train"): 2490,
    ("RTE", "eval"): 277,
    ("WNLI", "train"): 635,
    ("WNLI", "eval"): 71,
    ("QNLI", "eval"): 5463,
}

POSITIVE = {"SST-2": 0.509, "CoLA": 0.691, "MRPC": 0.684, "RTE": 0.473, "QNLI": 0.505}
"""The share of class 1 on the evaluation rows, counted with awk."""


@pytest.mark.parametrize(("name", "split"), ROWS)
def test_every_row_is_read(glue, name, split):
    task = get_task(f"glue/{name.lower()}")
    examples = task.examples(read(glue / name, split, task.layout))
    assert len(examples) == len(examples.labels) == ROWS[name, split]


@pytest.mark.parametrize("name", POSITIVE)
def test_classes_have_their_numbers(glue, name):
    task = get_task(f"glue/{name.lower()}")
    examples = task.examples(read(glue / name, "eval", task.layout))
    assert np.mean(examples.labels) == pytest.approx(POSITIVE[name], abs=1e-3)


def test_quotes_in_pairs_stay(glue):
    task = get_task("glue/mrpc")
    first, second = task.examples(read(glue / "MRPC", "eval")).texts[0]
    assert first.startswith("He said the foodservice pie business")
    assert second.startswith('" The foodservice pie business')


def test_scores_lie_between_0_and_5(glue):
    task = get_task("glue/sts-b")
    labels = task.examples(read(glue / "STS-B", "train")).labels
    assert (labels.min(), labels.max()) == (0.0, 5.0)
