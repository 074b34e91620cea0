"""Which part of speech an English word is, guessed from the words beside it."""

from collections.abc import Mapping

_BEFORE: Mapping[str, tuple[str, ...]] = {
    "a an the this these those my your his her its our their some any no every each "
    "another of in on with for from by about": ("noun", "adj"),
    "to will would can could may might must shall should cannot not don't doesn't didn't won't "
    "can't i you we they who he she it": ("verb",),
    "very too so more most quite really rather extremely pretty as how": ("adj", "adv"),
    "is are was were be been being am seems seem seemed feels felt looks looked gets got isn't "
    "wasn't": ("adj", "verb"),
}
"""What follows a word, most often."""

_FOLLOWS = {word: parts for words, parts in _BEFORE.items() for word in words.split()}


def guess_part(word: str, before: str, noun_follows: bool, counts: Mapping[str, int]) -> str:
    """The part of speech of a word.

    Args:
        word: In lower case.
        before: The word before it, likewise; "" at the beginning.
        noun_follows: Whether the next word may be a noun.
        counts: The parts of speech that it may be, with how often it is.

    Example:
        >>> guess_part("film", "to", False, {"noun": 20, "verb": 3})
        'verb'
        >>> guess_part("fast", "a", True, {"noun": 1, "adj": 9, "adv": 5})
        'adj'
    """
    if len(counts) == 1:
        return next(iter(counts))
    if word.endswith("ly") and "adv" in counts:
        return "adv"
    order = _FOLLOWS.get(before, ())
    if order[:1] == ("noun",) and noun_follows:
        order = ("adj", "noun")
    for part in order:
        if part in counts:
            return part
    return max(counts, key=lambda part: counts[part])
