"""Exact match and F1 of answers against SQuAD's official scripts, written out again here."""

import collections
import random
import re
import string

import pytest

from tinybert.tasks.answer_metrics import answer_scores, normalized


def official(text):
    """`normalize_answer` of evaluate-v1.1.py, its four functions one in the other."""
    lowered = "".join(each for each in text.lower() if each not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", lowered).split())


def official_f1(answer, right):
    given, wanted = official(answer).split(), official(right).split()
    same = sum((collections.Counter(given) & collections.Counter(wanted)).values())
    if same == 0:
        return 0
    precision, recall = same / len(given), same / len(wanted)
    return 2 * precision * recall / (precision + recall)


PIECES = ["the", "a", "An", "Rome", "rome,", "(Rome)", "x-y", "é", "\u2019s", "  ", "\n", "1.5"]


@pytest.mark.parametrize("seed", range(5))
def test_they_are_the_official_ones(seed):
    dice = random.Random(seed)

    def text():
        return " ".join(dice.choices(PIECES, k=dice.randint(1, 5)))

    for _ in range(200):
        answer, right = text(), [text() for _ in range(dice.randint(1, 3))]
        f1, exact = answer_scores(answer, right, may_be_none=False)
        assert f1 == pytest.approx(max(official_f1(answer, each) for each in right))
        assert exact == max(official(answer) == official(each) for each in right)


def test_nothing_is_right_where_the_context_has_no_answer():
    assert answer_scores("", [], True) == (1, 1)
    assert answer_scores("Rome", [], True) == (0, 0)
    assert answer_scores("", ["Rome"], True) == (0, 0)
    # Of "the" nothing is left: SQuAD 2.0's script takes it for no answer, that of 1.1 does not.
    assert answer_scores("", ["the"], True) == (1, 1)
    assert answer_scores("the", ["the"], False) == (0, 1)


def test_articles_within_words_stay():
    assert normalized("Theatre, the THE an") == "theatre"
