"""Exact match and F1 of answers in words, as SQuAD's official scripts define them."""

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)

EMPTY = ("",)
"""What is right of a question that the context does not answer."""


def normalized(text: str) -> str:
    """A text without what does not count: case, punctuation of ASCII, articles, more blanks.

    Example:
        >>> normalized("The  Denver Broncos!")
        'denver broncos'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, right: str) -> float:
    """1.0 where both are the same, normalized, else 0.0.

    Example:
        >>> exact_match("the Broncos", "Broncos"), exact_match("Broncos", "Denver Broncos")
        (1.0, 0.0)
    """
    return float(normalized(answer) == normalized(right))


def token_f1(answer: str, right: str) -> float:
    """F1 of the words that both have, normalized; 0.0 where one of them has none.

    Example:
        >>> round(token_f1("the Broncos", "Denver Broncos"), 4)
        0.6667
    """
    given, wanted = normalized(answer).split(), normalized(right).split()
    shared = sum((Counter(given) & Counter(wanted)).values())
    return 2 * shared / (len(given) + len(wanted)) if shared else 0.0


def answer_scores(answer: str, right: Sequence[str], may_be_none: bool) -> tuple[float, float]:
    """F1 and exact match of an answer: the best that one of the right ones gives.

    Args:
        answer: What a model says; "" where it says that the context has no answer.
        right: The texts that are right; none where the context has no answer.
        may_be_none: Whether rows may have no answer. Right answers of which nothing is left, such
            as "a", are then none, as in the script of SQuAD 2.0.

    Example:
        >>> answer_scores("Broncos", ["Denver Broncos", "The Broncos"], False)
        (1.0, 1.0)
        >>> answer_scores("", [], True), answer_scores("Broncos", [], True)
        ((1.0, 1.0), (0.0, 0.0))
    """
    if may_be_none:
        right = [each for each in right if normalized(each)]
    if not right:
        none = float(not normalized(answer))
        return none, none

    def best(score: Callable[[str, str], float]) -> float:
        return max(score(answer, each) for each in right)

    return best(token_f1), best(exact_match)
