"""Several tasks: each is compared with its own teacher, by its own loss."""

import copy
from types import SimpleNamespace

import pytest
import torch
from transformers import BertConfig, DataCollatorWithPadding

from tinybert.distillation.config import DistillConfig
from tinybert.distillation.distance import distance
from tinybert.distillation.losses import logit_loss, sigmoid_loss, soft_label_loss
from tinybert.distillation.predictions import prediction_parts
from tinybert.distillation.signals import LOGITS
from tinybert.distillation.teacher import PartTeachers
from tinybert.distillation.terms import PredictionTerm
from tinybert.tasks import get_task
from tinybert.training.batches import EncodedExamples

TASKS = {
    "sentiment": {"kind": "glue/sst-2", "weight": 2.0},
    "stars": "text-regression",
    "tags": {"kind": "multi-label-classification", "labels": ["x", "y"], "text": "sentence"},
}
CONFIG = get_task({"kind": "several-tasks", "tasks": TASKS}).model_config()


def term(**settings):
    student = SimpleNamespace(config=BertConfig(**CONFIG))
    return PredictionTerm(
        DistillConfig(temperature=2.0, **settings), SimpleNamespace(student=student)
    )


def loss(of, student, teacher):
    return of.forward({LOGITS: student}, {LOGITS: teacher}, torch.ones(3, 4))


@pytest.fixture
def logits():
    torch.manual_seed(0)
    return torch.randn(3, 5), torch.randn(3, 5)


def test_each_has_its_outputs_its_kind_and_its_weight():
    assert [tuple(part) for part in prediction_parts(BertConfig(**CONFIG))] == [
        (slice(0, 2), "classes", 2.0),
        (slice(2, 3), "values", 1.0),
        (slice(3, 5), "sigmoids", 1.0),
    ]


def test_their_losses_are_added_up(logits):
    student, teacher = logits
    wanted = (
        2 * soft_label_loss(student[:, :2], teacher[:, :2], 2.0)
        + logit_loss(student[:, 2:3], teacher[:, 2:3])
        + sigmoid_loss(student[:, 3:], teacher[:, 3:], 2.0)
    )
    torch.testing.assert_close(loss(term(), student, teacher), wanted)


@pytest.mark.parametrize("settings", [{}, {"prediction_loss": "logits"}])
def test_it_is_0_where_the_student_answers_as_the_teachers_do(logits, settings):
    assert loss(term(**settings), logits[0], logits[0].clone()) == pytest.approx(0, abs=1e-6)
    assert loss(term(**settings), *logits) > 0


def test_files_are_told_apart_by_all_tasks(logits):
    student = logits[0].numpy()
    config = BertConfig(**CONFIG)
    assert distance(config, student, student.copy()) == pytest.approx(0, abs=1e-6)
    for output in range(5):
        other = student.copy()
        other[0, output] += 1
        assert distance(config, other, student) > 0


def test_predictions_lie_side_by_side_and_layers_are_those_of_the_first(teacher, tiny_context):
    context = tiny_context()
    rows = EncodedExamples(context.train, context.tokenizer, 32)
    batch = DataCollatorWithPadding(context.tokenizer)([rows[index] for index in range(4)])
    other = copy.deepcopy(teacher)
    with torch.no_grad():
        for weight in other.parameters():
            weight.add_(0.1)
    signals = PartTeachers([teacher, other, teacher])(batch, [LOGITS, ("hidden", 1)])
    inputs = {
        name: values
        for name, values in batch.items()
        if name in ("input_ids", "attention_mask", "token_type_ids")
    }
    with torch.no_grad():
        wanted = torch.cat([other(**inputs).logits, teacher(**inputs).logits], dim=1)
        hidden = teacher(**inputs, output_hidden_states=True).hidden_states[1]
    torch.testing.assert_close(signals[LOGITS], wanted)
    torch.testing.assert_close(signals["hidden", 1], hidden)
    assert LOGITS not in PartTeachers([teacher, other])(batch, [("hidden", 1)])
