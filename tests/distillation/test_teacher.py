import copy

import pytest
import torch
from transformers import DataCollatorWithPadding

from tinybert.distillation.cache import open_cache
from tinybert.distillation.signals import LOGITS
from tinybert.distillation.teacher import Teacher, combine
from tinybert.training.batches import EncodedExamples


@pytest.fixture
def batch(tiny_context):
    context = tiny_context()
    rows = EncodedExamples(context.train, context.tokenizer, 32)
    return DataCollatorWithPadding(context.tokenizer)([rows[index] for index in range(8)])


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_soft_labels_are_averaged(temperature):
    logits = [torch.randn(5, 3) for _ in range(3)]
    weights = [1.0, 2.0, 5.0]
    soft = [(values / temperature).softmax(-1) for values in logits]
    wanted = sum(w * s for w, s in zip(weights, soft, strict=True)) / sum(weights)
    given = (combine(logits, weights, temperature) / temperature).softmax(-1)
    torch.testing.assert_close(given, wanted)


def test_one_teacher_is_itself():
    logits = torch.randn(5, 3)
    for temperature in (None, 2.0):
        soft = combine([logits], [3.0], temperature).softmax(-1)
        torch.testing.assert_close(soft, logits.softmax(-1))


def test_values_are_averaged():
    values = combine([torch.tensor([[1.0]]), torch.tensor([[4.0]])], [2.0, 1.0], None)
    torch.testing.assert_close(values, torch.tensor([[2.0]]))


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
