"""Texts of two joined: longer ones than most, and new together, for the teacher to label.

Where training rows are shorter than what a model meets later, as SST-2's phrases are against its
sentences, a small student learns more from them than from as many changed words
(`benchmarks/results/fastest.md`).
"""

import random
from collections.abc import Sequence

JOINTS = (" ", ", ", ". ")
"""Without words, so that they are no language's."""


def join_texts(texts: Sequence[str], generator: random.Random) -> list[str]:
    """Each text with another one, drawn at random, behind it.

    Args:
        texts: Sentences, not pairs.
        generator: Of everything random.

    Returns:
        As many, in an order of their own.

    Example:
        >>> join_texts(["a good film", "dull"], random.Random(0))
        ['dull. a good film', 'a good film, dull']
    """
    first, second = (generator.sample(texts, len(texts)) for _ in range(2))
    return [
        f"{one.rstrip()}{generator.choice(JOINTS)}{other.lstrip()}"
        for one, other in zip(first, second, strict=True)
    ]
