"""Inputs of a head that answers at tokens: what is learned, compared and kept at which of them."""

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForTokenClassification

from tinybert.data import Table
from tinybert.distillation.cache import open_cache
from tinybert.distillation.cache_writer import predicted_bytes
from tinybert.distillation.config import DistillConfig
from tinybert.distillation.model import DistillationModel
from tinybert.distillation.signals import LOGITS, ROW, model_inputs, run
from tinybert.distillation.teacher import Teacher
from tinybert.modeling.load import load_tokenizer
from tinybert.tasks import get_task
from tinybert.training.batches import ANSWERED, NO_LABEL, EncodedExamples, PaddingCollator

WORDS = [["the", "old", "zyx", "sat"], ["she", "ate", "qq"], ["man", "woman"] * 20]
TAGS = [["O", "B-PER", "I-PER", "O"], ["B-PER", "O", "B-PER"], ["B-PER", "O"] * 20]


@pytest.fixture
def tokenizer(tiny_bert_dir):
    return load_tokenizer(tiny_bert_dir)


@pytest.fixture
def task():
    return get_task("token-classification").fit(table())


def table():
    return Table({"tokens": WORDS, "tags": TAGS}, "train.txt")


@pytest.fixture
def rows(task, tokenizer):
    return EncodedExamples(task.examples(table()), tokenizer, 16, task)


def models(count, labels=3):
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=200,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        num_labels=labels,
        initializer_range=0.5,
    )
    return [BertForTokenClassification(config).eval() for _ in range(count)]


def test_a_word_is_learned_at_its_first_piece(rows, tokenizer):
    row = rows[0]  # [CLS] the old z ##y ##x sat [SEP]
    assert tokenizer.convert_ids_to_tokens(row["input_ids"])[3:6] == ["z", "##y", "##x"]
    none = NO_LABEL
    assert row["labels"] == [none, 0, 1, 2, none, none, 0, none]
    assert row[ANSWERED] == [0, 1, 1, 1, 0, 0, 1, 0]


def test_every_word_of_a_long_row_is_learned_once(rows, task):
    windows = [rows[at] for at in range(2, len(rows))]
    assert len(windows) > 2
    assert all(len(window["input_ids"]) <= 16 for window in windows)
    learned = [label for window in windows for label in window["labels"] if label != NO_LABEL]
    assert sorted(learned) == [0] * 20 + [1] * 20
    assert rows.answers.tolist() == [sum(rows[at][ANSWERED]) for at in range(len(rows))]
    assert rows.answers.sum() == sum(map(len, WORDS))


def test_rows_without_labels_are_answered_at_the_same_tokens(rows, task, tokenizer):
    without = EncodedExamples(task.examples(table(), labeled=False), tokenizer, 16, task)
    assert "labels" not in without[0]
    assert [without[at][ANSWERED] for at in range(len(without))] == [
        rows[at][ANSWERED] for at in range(len(rows))
    ]
    assert without.hash() == rows.hash()


@pytest.mark.parametrize("side", ["left", "right"])
def test_batches_are_padded_with_what_nothing_is_learned_from(rows, tokenizer, side):
    tokenizer.padding_side = side
    batch = PaddingCollator(tokenizer, of_tokens=True)([rows[0], rows[1], rows[2]])
    for name in ("labels", ANSWERED):
        assert batch[name].shape == batch["input_ids"].shape
    padding = batch["attention_mask"] == 0
    assert padding.any()
    assert (batch["labels"][padding] == NO_LABEL).all()
    assert (batch[ANSWERED][padding] == 0).all()
    assert ((batch["labels"] != NO_LABEL) == batch[ANSWERED].bool()).all()
    assert batch["labels"][1][batch[ANSWERED][1].bool()].tolist() == [1, 0, 1]


def test_predictions_are_compared_where_they_are_answered(rows, tokenizer):
    student, teacher = models(2)
    pupil = DistillationModel(student, teacher, DistillConfig(), [])
    batch = PaddingCollator(tokenizer, of_tokens=True)([rows[0], rows[1]])
    batch.pop(ROW)
    batch.pop("labels")
    signals = run(teacher, model_inputs(batch), [LOGITS])[1]
    loss = pupil(teacher=signals, **batch)["loss"]
    other = {LOGITS: torch.where(batch[ANSWERED].bool()[..., None], signals[LOGITS], 99.0)}
    torch.testing.assert_close(pupil(teacher=other, **batch)["loss"], loss)
    assert pupil(teacher={LOGITS: signals[LOGITS] + torch.randn(3)}, **batch)["loss"] != loss


def test_the_cache_keeps_the_logits_of_words_and_nothing_else(rows, tokenizer, tmp_path):
    (teacher,) = models(1)
    collate = PaddingCollator(tokenizer, of_tokens=True)
    cache = open_cache(tmp_path, teacher, rows, collate, [LOGITS], batch_size=2)
    (file,) = tmp_path.rglob("logits.npy")
    assert np.load(file).shape == (sum(map(len, WORDS)), 3)
    assert predicted_bytes(teacher, rows, [LOGITS]) == sum(map(len, WORDS)) * 3 * 4
    batch = collate([rows[at] for at in range(len(rows))])
    wanted = run(teacher, model_inputs(batch), [LOGITS])[1][LOGITS]
    found = Teacher([teacher], caches=[cache])(batch, [LOGITS])[LOGITS]
    answered = batch[ANSWERED].bool()
    torch.testing.assert_close(found[answered], wanted[answered], atol=1e-5, rtol=1e-5)
    assert (found[~answered] == 0).all()


def test_vectors_of_labels_are_no_labels_of_tokens(tokenizer):
    rows = [{**tokenizer("a film"), "labels": [0.0, 1.0]}, {**tokenizer("a"), "labels": [1.0, 0.0]}]
    assert PaddingCollator(tokenizer)(rows)["labels"].tolist() == [[0, 1], [1, 0]]
