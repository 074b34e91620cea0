"""New heads start at the frequencies of labels."""

import numpy as np
import pytest
import torch

from tiny_models import tiny_model
from tinybert.tasks import get_task
from tinybert.tasks.rows import Examples
from tinybert.training.new_head import start_at_frequencies

TASK = get_task({"kind": "multi-label-classification", "labels": ["a", "b", "c"]})
LABELS = np.array([[1, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1]], np.float32)
ROWS = Examples.of_texts(["a film"] * 4, LABELS, "train")


def new(kind="bert", task="multi-label-classification"):
    model = tiny_model(kind, task)
    for name, weight in model.named_parameters():
        if name in ("classifier.bias", "classifier.out_proj.bias"):
            torch.nn.init.zeros_(weight)
    return model


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert", "modernbert"])
def test_each_label_is_given_as_often_as_rows_have_it(kind):
    model = new(kind)
    start_at_frequencies(model, TASK, ROWS)
    for name, weight in model.named_parameters():
        if name in ("classifier.weight", "classifier.out_proj.weight"):
            torch.nn.init.zeros_(weight)
    logits = model(torch.tensor([[2, 9, 3]])).logits
    np.testing.assert_allclose(logits.sigmoid().detach(), [[1.5 / 5, 0.5 / 5, 4.5 / 5]], rtol=1e-5)


@pytest.mark.parametrize("why", ["trained", "no labels", "classes", "no biases"])
def test_what_stays_as_it_is(why):
    model = {
        "trained": lambda: tiny_model("bert", "multi-label-classification"),
        "no labels": new,
        "classes": lambda: new("bert", "text-classification"),
        "no biases": lambda: tiny_model("gpt2", "multi-label-classification"),
    }[why]()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    task, rows = TASK, ROWS
    if why == "classes":
        task = get_task({"kind": "text-classification", "labels": ["a", "b"]})
        rows = Examples.of_texts(["a film"] * 4, np.array([0, 0, 0, 1]), "train")
    if why == "no labels":
        rows = Examples.of_texts(["a film"], None, "train")
    start_at_frequencies(model, task, rows)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
