import copy

import pytest
import torch
from transformers import DataCollatorWithPadding

from tinybert.distillation.cache import open_cache
from tinybert.distillation.signals import LOGITS
from tinybert.distillation.teacher import Teacher
from tinybert.training.batches import EncodedExamples


@pytest.fixture
def batch(tiny_context):
    context = tiny_context()
    rows = EncodedExamples(context.train, context.tokenizer, 32)
    return DataCollatorWithPadding(context.tokenizer)([rows[index] for index in range(8)])


def test_predictions_are_averaged_as_what_they_are(teacher, batch):
    other = copy.deepcopy(teacher)
    with torch.no_grad():
        for weight in other.parameters():
            weight.add_(0.1)
    alone = [Teacher([each])(batch, [LOGITS])[LOGITS] for each in (teacher, other)]
    means = {
        "single_label_classification": lambda logits: logits.softmax(-1),
        "multi_label_classification": lambda logits: logits.sigmoid(),
        "regression": lambda logits: logits * 2,
    }
    for problem, soft in means.items():
        teacher.config.problem_type = problem
        given = Teacher([teacher, other], [1.0, 3.0], temperature=2.0)(batch, [LOGITS])[LOGITS]
        wanted = (soft(alone[0] / 2) + 3 * soft(alone[1] / 2)) / 4
        torch.testing.assert_close(soft(given / 2), wanted)


def test_layers_are_those_of_the_first(teacher, batch):
    other = copy.deepcopy(teacher)
    with torch.no_grad():
        for weight in other.parameters():
            weight.add_(0.1)
    both = Teacher([teacher, other])
    wanted = [LOGITS, ("hidden", 1)]
    given, first = both(batch, wanted), Teacher([teacher])(batch, wanted)
    torch.testing.assert_close(given["hidden", 1], first["hidden", 1])
    second = Teacher([other])(batch, [LOGITS])[LOGITS]
    torch.testing.assert_close(given[LOGITS], (first[LOGITS] + second) / 2)


def test_nothing_wanted_is_no_work(teacher, batch, monkeypatch):
    monkeypatch.setattr(teacher, "forward", None)
    assert Teacher([teacher])(batch, []) == {}


def test_a_teacher_is_in_eval_mode_and_has_no_gradients(teacher, batch):
    signals = Teacher([teacher.train()])(batch, [LOGITS])
    assert not teacher.training
    assert not signals[LOGITS].requires_grad
    assert not any(weight.requires_grad for weight in teacher.parameters())


def test_caches_take_the_place_of_the_models(teacher, batch, tiny_context, tmp_path, monkeypatch):
    context = tiny_context()
    rows = EncodedExamples(context.train, context.tokenizer, 32)
    collate = DataCollatorWithPadding(context.tokenizer)
    live = Teacher([teacher])(batch, [LOGITS])[LOGITS]
    cache = open_cache(tmp_path, teacher, rows, collate, [LOGITS])
    monkeypatch.setattr(teacher, "forward", None)
    cached = Teacher([teacher, teacher], temperature=2.0, caches=[cache, cache])
    given = cached(batch, [LOGITS])[LOGITS]
    torch.testing.assert_close(
        (given / 2).softmax(-1), (live / 2).softmax(-1), rtol=1e-3, atol=1e-4
    )


def test_answers_that_are_given_stand_in_place_of_the_first_models(teacher, batch, monkeypatch):
    own = Teacher([teacher])(batch, [LOGITS])[LOGITS]
    answers = torch.randn(40, 2)
    answers[3] = torch.nan
    given = Teacher([teacher], answers=answers)(batch, [LOGITS, ("hidden", 1)])
    wanted = torch.cat([answers[:3], own[3:4], answers[4:8]])
    torch.testing.assert_close(given[LOGITS], wanted)
    assert ("hidden", 1) in given
    other = Teacher([teacher, teacher], [1.0, 3.0], answers=answers)(batch, [LOGITS])[LOGITS]
    torch.testing.assert_close(other, (wanted + 3 * own) / 4)
    without_rows = {name: value for name, value in batch.items() if name != "row"}
    asked = Teacher([teacher], answers=answers)(without_rows, [LOGITS])[LOGITS]
    torch.testing.assert_close(asked, own)

    monkeypatch.setattr(teacher, "forward", None)  # all are known: nobody is asked
    answers[3] = 0
    alone = Teacher([teacher], answers=answers)
    torch.testing.assert_close(alone(batch, [LOGITS])[LOGITS], answers[:8])
    assert alone.asked(0, [LOGITS]) == []
