from dataclasses import replace

import pytest
import torch

from augment_rows import SENTENCES, configs
from tinybert.base.errors import InputError
from tinybert.data.table import Table
from tinybert.steps.augment.config import AugmentConfig
from tinybert.steps.augment.step import augment
from tinybert.tasks import get_task
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


def test_several_methods(tiny_context, tiny_wordnet, tiny_masked_lm, tiny_translators):
    config = configs(
        *(tiny_wordnet, tiny_masked_lm, tiny_translators),
        *("words", "synonyms", "masked-lm", "back-translation"),
    ).model_copy(update={"copies": 2})
    seen = []
    train = Examples.of_texts([*TEXTS, *SENTENCES], None, "test")
    context = replace(tiny_context(), train=train, progress=seen.append)
    texts = augment(config, torch.nn.Module(), context)
    assert texts == augment(config, torch.nn.Module(), context)
    assert texts[:8] == train.texts
    assert 20 < len(texts) <= config.rows_after(8)
    assert len({*texts}) == len(texts) - 2, "two rows are there twice"
    words = augment(AugmentConfig(copies=2), torch.nn.Module(), context)
    assert texts[: len(words)] == words, "other methods change nothing of the first"
    steps = [progress.step for progress in seen]
    assert list(dict.fromkeys(steps)) == ["words", "synonyms", "masked-lm", "back-translation"]
    assert all(0 <= progress.done <= progress.total for progress in seen)


WORDS = ["The", "EU", "rejects", "a", "good", "film", "and", "two", "children"]
TAGS = ["O", "B-ORG", "O", "O", "O", "O", "O", "O", "O"]


@pytest.fixture
def tagged():
    def make(words, tags):
        table = Table({"tokens": [words, words[1:]], "tags": [tags, tags[1:]]}, "train.jsonl")
        task = get_task("token-classification").fit(table)
        return task, task.examples(table)

    return make


@pytest.mark.parametrize("method", ["words", "synonyms", "masked-lm"])
def test_tagged_words_stay_in_their_places(
    method, tiny_context, tagged, tiny_wordnet, tiny_masked_lm, tiny_translators
):
    task, train = tagged(WORDS, TAGS)
    context = replace(tiny_context(), task=task, train=train)
    config = configs(tiny_wordnet, tiny_masked_lm, tiny_translators, method)
    rows = augment(config.model_copy(update={"copies": 20}), torch.nn.Module(), context)
    assert rows[:2] == train.rows
    assert len(rows) > 6
    for row in rows:
        words = row["words"]
        before = WORDS if len(words) == len(WORDS) else WORDS[1:]
        assert len(words) == len(before)
        assert words[before.index("EU")] == "EU"
        assert not any(" " in word for word in words)


def test_where_every_word_is_tagged_all_may_change(tiny_context, tagged):
    """As parts of speech are."""
    task, train = tagged(["a", "good", "film"], ["DET", "ADJ", "NOUN"])
    context = replace(tiny_context(), task=task, train=train)
    rows = augment(AugmentConfig(copies=30), torch.nn.Module(), context)
    assert {row["words"][-1] for row in rows} == {"film", "good"}


def test_entities_of_texts_stay(tiny_context):
    row = {"text": "The EU rejects a film", "entities": [{"start": 4, "end": 6, "label": "ORG"}]}
    table = Table({name: [cell] for name, cell in row.items()}, "train.jsonl")
    task = get_task("token-classification").fit(table)
    context = replace(tiny_context(), task=task, train=task.examples(table))
    rows = augment(AugmentConfig(copies=30), torch.nn.Module(), context)
    assert len(rows) > 4
    assert all(" EU " in row["text"] and len(row["text"].split()) == 5 for row in rows)


def test_protected_terms(texts_of):
    texts = texts_of(TEXTS[:1], copies=40, protect=["good FILM"])
    assert len(texts) > 5
    assert all("good film" in text for text in texts)
