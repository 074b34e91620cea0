import random
from collections import Counter

import pytest

from tinybert.steps.augment.words import change_word, change_words

TEXT = "one two three four five"


def changed(text, times=200):
    generator = random.Random(0)
    return [change_word(text, ["new"], generator).split() for _ in range(times)]


def test_one_word_changes():
    """Dropped, inserted and replaced words leave all others in order; moved ones are all there."""
    words = TEXT.split()
    for kept in changed(TEXT):
        if "new" in kept:
            old = [word for word in kept if word != "new"]
            assert kept.count("new") == 1
            assert len(old) >= len(words) - 1
            assert old == [word for word in words if word in old]
        elif len(kept) < len(words):
            assert kept == [word for word in words if word in kept]
            assert len(kept) == len(words) - 1
        else:
            assert Counter(kept) == Counter(words)


def test_every_kind_of_change_happens():
    kinds = {(len(kept) - len(TEXT.split()), "new" in kept) for kept in changed(TEXT)}
    assert kinds == {(-1, False), (1, True), (0, True), (0, False)}


@pytest.mark.parametrize("text", ["one", "one two"])
def test_short_texts_only_grow(text):
    for kept in changed(text):
        assert [word for word in kept if word != "new"] == text.split()
        assert len(kept) == len(text.split()) + 1


def test_of_a_pair_one_text_or_both():
    pairs = [(TEXT, "six seven eight nine ten")] * 100
    which = Counter(
        tuple(new != old for new, old in zip(pair, pairs[0], strict=True))
        for pair in change_words(pairs, ["new"], random.Random(0))
    )
    assert min(which[True, False], which[False, True], which[True, True]) > 15


def test_the_generator_decides():
    first, again, other = (
        change_words([TEXT] * 20, ["new"], random.Random(seed)) for seed in (0, 0, 1)
    )
    assert first == again != other
