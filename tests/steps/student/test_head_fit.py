"""The classification head: regression towards the teacher's, as numpy solves it."""

import numpy as np
import pytest
import torch

from tinybert.modeling.observe import captured
from tinybert.steps.student.head_fit import RIDGE, fit_head


def head(model):
    """The layer before the tanh, and the one after it."""
    if hasattr(model.classifier, "out_proj"):
        return model.classifier.dense, model.classifier.out_proj
    return model.base_model.pooler.dense, model.classifier


@torch.no_grad()
def seen(model, batches):
    """What both layers of the head took in and gave out on all rows."""
    found = []
    for batch in batches:
        with captured(dict(zip(("pool", "out"), head(model), strict=True))) as values:
            model(**batch)
        found.append(values)
    return {
        name: tuple(
            torch.cat([first_position(each[name][end]) for each in found]) for end in (0, 1)
        )
        for name in ("pool", "out")
    }


def first_position(states):
    return states[:, 0] if states.dim() == 3 else states


def regression(inputs, outputs, weight, bias):
    """numpy's least squares, with a prior: rows that want the weights to stay, the bias left free.

    Returns:
        (inputs, outputs) and (outputs,).
    """
    x = np.hstack([inputs, np.ones((len(inputs), 1))]).astype(np.float64)
    prior = np.vstack([weight.T, bias[None]]).astype(np.float64)
    pull = np.sqrt(RIDGE * (x[:, :-1] ** 2).sum(0).mean()) * np.eye(x.shape[1])
    pull[-1, -1] = np.sqrt(1e-9 * len(x))
    design, wanted = np.vstack([x, pull]), np.vstack([outputs, pull @ prior])
    solution = np.linalg.lstsq(design, wanted, rcond=None)[0]
    return solution[:-1], solution[-1]


def test_nothing_is_lost_where_nothing_is_reduced(big, small, rows):
    student = small()
    student.base_model.load_state_dict(big.base_model.state_dict())
    for layer in head(student):
        torch.nn.init.normal_(layer.weight)
    with torch.no_grad():
        fit_head(student, big, torch.eye(32), rows())
        for batch in rows(seed=1):
            torch.testing.assert_close(
                student(**batch).logits, big(**batch).logits, atol=1e-4, rtol=1e-4
            )


def test_the_last_layer_is_the_regression_that_numpy_finds(big, small, rows):
    student = small(hidden_size=16, attention_heads=2)
    basis = torch.eye(32)[:, :16]
    importance = seen(big, rows())["pool"][1].tanh().square().sum(0)
    importance = importance * head(big)[1].weight.detach().square().sum(0)
    kept = importance.topk(16).indices.sort().values
    with torch.no_grad():
        fit_head(student, big, basis, rows())
    ours, theirs = seen(student, rows()), seen(big, rows())
    pool, out = head(big)
    for layer, name, wanted, weight, bias in (
        (0, "pool", theirs["pool"][1][:, kept], pool.weight[kept] @ basis, pool.bias[kept]),
        (1, "out", theirs["out"][1], out.weight[:, kept], out.bias),
    ):
        inputs = ours["out"][0] if name == "out" else ours["pool"][0]
        found = head(student)[layer]
        expected = regression(*(t.detach().numpy() for t in (inputs, wanted, weight, bias)))
        assert found.weight.detach().numpy() == pytest.approx(expected[0].T, abs=1e-4)
        assert found.bias.detach().numpy() == pytest.approx(expected[1], abs=1e-4)


def test_outputs_that_no_class_reads_are_those_that_go(big, small, rows, monkeypatch):
    monkeypatch.setattr("tinybert.steps.student.head_fit.fit_linear", lambda *_: None)
    with torch.no_grad():
        head(big)[1].weight[:, ::2] = 0
        student = small(hidden_size=16, attention_heads=2)
        fit_head(student, big, torch.eye(32)[:, :16], rows())
    torch.testing.assert_close(head(student)[0].weight, head(big)[0].weight[1::2, :16])
    torch.testing.assert_close(head(student)[1].weight, head(big)[1].weight[:, 1::2])
