import dataclasses

import numpy as np
import pytest

from tinybert.measure import data_report as module
from tinybert.measure.data_report import data_report
from tinybert.modeling.load import load_tokenizer, tokenize
from tinybert.report.data import data_lines, data_warnings
from tinybert.tasks import get_task
from tinybert.tasks.answer_rows import Answers
from tinybert.tasks.spans import Span
from tinybert.tasks.task import Examples

CLASSES = dataclasses.replace(get_task("text-classification"), labels=("no", "yes"))


@pytest.fixture
def report(tiny_tokenizer_dir):
    tokenizer = load_tokenizer(tiny_tokenizer_dir)

    def make(train, evaluation, task=CLASSES, max_length=8):
        return data_report(task, train, evaluation, tokenizer, max_length)

    return make


def rows(texts, labels=None):
    return Examples.of_texts(texts, None if labels is None else np.array(labels), "rows")


def test_evaluation_rows_that_are_learned_from_are_found_and_warned_of(report):
    train = rows(["a great film", "the plot"], [1, 0])
    found = report(train, rows(["A  great film", "the", "the plot"], [1, 0, 1]))
    assert found["eval"]["in_train"] == 2
    assert "2 of 3 evaluation rows also stand in training" in "\n".join(data_warnings(found))
    clean = report(train, rows(["the", "a"], [0, 1]))
    assert clean["eval"]["in_train"] == 0
    assert data_warnings(clean) == []


def test_of_the_same_text_duplicates_and_contradictions_are_counted(report):
    train = rows(["a", "A ", "a", "film", "film", "the"], [0, 0, 1, 1, 1, 0])
    found = report(train, rows(["plot"], [0]))["train"]
    assert (found["rows"], found["duplicates"], found["contradictions"]) == (6, 3, 3)
    assert found["labels"] == {"no": 3, "yes": 3}


def test_lengths_are_those_that_the_tokenizer_gives(report, tiny_tokenizer_dir):
    texts = ["a", "a great film " * 4, "the plot was awful"]
    ids = tokenize(texts, load_tokenizer(tiny_tokenizer_dir), 512)["input_ids"]
    found = report(rows(texts, [0, 1, 0]), rows(["plot"], [0]))["train"]
    assert found["tokens"]["max"] == max(map(len, ids))
    assert found["tokens"]["median"] == sorted(map(len, ids))[1]
    assert found["longer"] == pytest.approx(np.mean([len(row) > 8 for row in ids]), abs=1e-4)


def test_scripts_that_the_tokenizer_does_not_know_are_named(report):
    found = report(rows(["a film", "фильм фильм", "映画"], [0, 1, 0]), rows(["a"], [0]))["train"]
    assert found["unknown_scripts"] == {"cyrillic": 1.0, "cjk": 1.0}
    assert 0 < found["unknown"] < 1
    line = next(line for line in data_lines(report(rows(["фильм"], [0]), rows(["a"], [0]))))
    assert "1 rows" in line


def test_pairs_words_questions_and_embeddings_have_one_too(report):
    pairs = report(
        rows([("a", "film"), ("film", "a")], [0, 1]),
        rows([("a", "film")], [0]),
        dataclasses.replace(CLASSES, text=("one", "two")),
    )
    assert (pairs["eval"]["in_train"], pairs["train"]["duplicates"]) == (1, 0)

    spans = np.empty(1, object)
    spans[0] = [Span(0, 1, "ORG")]
    words = Examples([{"words": ["a", "film"]}], spans, "words")
    task = dataclasses.replace(get_task("token-classification"), labels=("O", "B-ORG", "I-ORG"))
    tagged = report(words, words, task)
    assert tagged["train"]["labels"] == {"ORG": 1}
    assert (tagged["windows"], tagged["eval"]["in_train"]) == (True, 1)

    answers = np.empty(1, object)
    answers[0] = Answers("a film", (), ())
    asked = Examples([{"text": "what", "pair": "a film"}], answers, "questions")
    found = report(asked, asked, get_task("question-answering"))
    assert found["train"]["labels"] == {"an answer": 0, "no answer": 1}

    texts = rows(["a film", "the plot"])
    compared = rows([("a film", "the plot"), ("a film", "plot")], [1.0, 0.5])
    found = report(texts, compared, get_task("sentence-embedding"))
    assert (found["train"]["labels"], found["eval"]["in_train"]) == ({}, 1)


def test_many_rows_are_compared_whole_and_tokenized_in_part(report, monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 10)
    texts = [f"a film {number}" for number in range(50)]
    found = report(rows(texts), rows([texts[-1]]))
    assert (found["train"]["tokenized"], found["eval"]["in_train"]) == (10, 1)
    assert "of 10 drawn rows" in data_lines(found)[0]


def test_labels_that_are_rare_or_never_learned_are_told(report):
    found = report(rows(["a"] * 30, [0] * 30), rows(["film"], [1]))
    assert "no training row has yes" in "\n".join(data_warnings(found))
    found = report(rows(["a"] * 30, [0] * 29 + [1]), rows(["film"], [1]))
    assert "29 times as often" in "\n".join(data_lines(found))


def test_without_training_rows_there_are_those_of_evaluation(report):
    found = report(None, rows(["a film"], [1]))
    assert found["train"] is None
    assert data_lines(found)[0].startswith("evaluation: 1 rows (yes 1, no 0)")
    assert data_lines(None) == []
