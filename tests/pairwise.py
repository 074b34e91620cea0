"""A few combinations among which every pair of values of two dimensions occurs."""

import itertools
import random


def pairwise(dimensions, cheap=()):
    """Combinations that cover each pair; greedy, and always the same.

    Args:
        dimensions: Values by the name of their dimension.
        cheap: Values that are taken where nothing else covers more.

    Example:
        >>> len(pairwise({"a": [1, 2], "b": [1, 2], "c": [1, 2]}))
        4
    """
    names = list(dimensions)
    left = {
        ((first, a), (second, b))
        for first, second in itertools.combinations(names, 2)
        for a, b in itertools.product(dimensions[first], dimensions[second])
    }
    dice = random.Random(0)
    made = []
    while left:
        (first, a), (second, b) = min(left, key=str)
        chosen = {first: a, second: b}
        for name in names:
            if name not in chosen:
                options = list(dimensions[name])
                dice.shuffle(options)
                options.sort(key=lambda value: value not in cheap)
                chosen[name] = max(options, key=lambda value: _covered(chosen, name, value, left))
        combination = {name: chosen[name] for name in names}
        left -= set(itertools.combinations(combination.items(), 2))
        made.append(combination)
    return made


def _covered(chosen, name, value, left):
    new = (name, value)
    pairs = (tuple(pair) for other in chosen.items() for pair in ((other, new), (new, other)))
    return sum(pair in left for pair in pairs)
