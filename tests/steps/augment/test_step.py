from dataclasses import replace

import pytest
import torch

from tinybert.base.errors import InputError
from tinybert.steps.augment.config import AugmentConfig
from tinybert.steps.augment.step import augment
from tinybert.tasks.task import Examples

TEXTS = ["a good film about nothing", "a bad film about something", "nothing at all"]


@pytest.fixture
def texts_of(tiny_context):
    def make(texts, seed=0, **settings):
        context = replace(tiny_context(), train=Examples.of_texts(texts, None, "test"), seed=seed)
        return augment(AugmentConfig(**settings), torch.nn.Module(), context)

    return make


def test_the_texts_and_new_ones(texts_of):
    texts = texts_of(TEXTS, copies=5)
    assert texts[:3] == TEXTS
    assert len(set(texts)) == len(texts) > 12
    words = set(" ".join(TEXTS).split())
    assert all(set(text.split()) <= words for text in texts)


def test_rows_that_are_there_twice_stay(texts_of):
    assert texts_of([*TEXTS, TEXTS[0]])[:4] == [*TEXTS, TEXTS[0]]


def test_pairs(texts_of):
    pairs = texts_of([(TEXTS[0], TEXTS[1])])
    assert pairs[0] == (TEXTS[0], TEXTS[1])
    assert all(len(pair) == 2 and all(pair) for pair in pairs)


def test_the_seed_decides(texts_of):
    assert texts_of(TEXTS) == texts_of(TEXTS) != texts_of(TEXTS, seed=1)


def test_spacing_alone_makes_no_new_text(texts_of):
    rows = ["a film ", " a  film", "film a "]
    assert texts_of(rows, copies=20)[:3] == rows
    new = texts_of(rows, copies=20)[3:]
    assert new
    assert not {text for text in new if text.split() in (["a", "film"], ["film", "a"])}


def test_chinese_characters_are_words(texts_of):
    rows = ["这部电影很好看", "我不喜欢这个故事", "演员演得非常糟糕"]
    new = texts_of(rows, copies=20)[3:]
    assert len(new) > 20
    assert all(6 <= len(text) <= 9 for text in new)
    assert not any(" " in text for text in new)


def test_texts_that_are_not_changed_are_said(texts_of, caplog):
    thai = "ภาพยนตร์เรื่องนี้สนุกมาก"
    texts = texts_of([*TEXTS, thai])
    assert texts[3] == thai
    assert not any(thai in text for text in texts[4:])
    assert "1 of 4 texts are not changed" in caplog.text
    with pytest.raises(InputError, match="leave `augment` out"):
        texts_of([thai])
