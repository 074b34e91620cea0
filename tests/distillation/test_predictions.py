"""What logits are, and what the mean of several teachers' is."""

import pytest
import torch
from transformers import BertConfig

from tinybert.distillation.predictions import (
    mean_logits,
    mean_sigmoids,
    mean_soft_labels,
    prediction_kind,
)
from tinybert.tasks import get_task

MEANS = {"classes": (mean_soft_labels, -1), "sigmoids": (mean_sigmoids, None)}
kinds = pytest.mark.parametrize(("mean", "dim"), MEANS.values(), ids=MEANS)


def soft(logits, dim):
    return logits.sigmoid() if dim is None else logits.softmax(dim)


@kinds
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_soft_labels_are_averaged(mean, dim, temperature):
    logits = [torch.randn(5, 3) for _ in range(3)]
    weights = [1.0, 2.0, 5.0]
    wanted = sum(w * soft(s / temperature, dim) for w, s in zip(weights, logits, strict=True)) / 8
    torch.testing.assert_close(soft(mean(logits, weights, temperature) / temperature, dim), wanted)


@kinds
def test_one_teacher_is_itself(mean, dim):
    logits = torch.randn(5, 3)
    torch.testing.assert_close(soft(mean([logits], [3.0], 2.0), dim), soft(logits, dim))


def test_sure_labels_stay_apart():
    """Where probabilities of float32 are 1, logits still differ."""
    logits = torch.tensor([[40.0, 60.0, -50.0]])
    torch.testing.assert_close(mean_sigmoids([logits, logits], [1, 1], 1.0), logits)


def test_values_are_averaged():
    values = mean_logits([torch.tensor([[1.0]]), torch.tensor([[4.0]])], [2.0, 1.0])
    torch.testing.assert_close(values, torch.tensor([[2.0]]))


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"num_labels": 3}, "classes"),
        ({"num_labels": 1}, "values"),
        ({"num_labels": 3, "problem_type": "regression"}, "values"),
        ({"num_labels": 3, "problem_type": "single_label_classification"}, "classes"),
        ({"num_labels": 3, "problem_type": "multi_label_classification"}, "sigmoids"),
        ({"num_labels": 1, "problem_type": "multi_label_classification"}, "sigmoids"),
        ({"architectures": ["BertForQuestionAnswering"]}, "spans"),
        (get_task("question-answering").model_config(), "spans"),
    ],
)
def test_what_logits_are(config, kind):
    assert prediction_kind(BertConfig(**config)) == kind
