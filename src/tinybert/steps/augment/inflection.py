"""English forms of words: which one a word has, and the same of another."""

from collections.abc import Sequence
from typing import Literal

Form = Literal["base", "s", "past", "ing", "er", "est"]

_VOWELS = "aeiou"


def form_of(word: str, base: str, part: str) -> Form:
    """Which form of its base a word is.

    Args:
        word: In lower case.
        base: As it stands in a dictionary.
        part: Of speech: noun, verb, adj or adv.

    Example:
        >>> form_of("films", "film", "noun"), form_of("went", "go", "verb")
        ('s', 'past')
    """
    if word == base:
        return "base"
    if part == "noun":
        return "s"
    if part == "verb":
        return "ing" if word.endswith("ing") else "s" if word.endswith("s") else "past"
    return "est" if word.endswith("st") else "er"


def inflect(base: str, part: str, form: Form, irregular: Sequence[str] = ()) -> str | None:
    """A word in a form; None where rules and exceptions don't tell.

    Args:
        base: As it stands in a dictionary; of several words, the first of verbs and the last of
            others changes.
        part: Of speech.
        form: Which.
        irregular: Forms of it that rules don't give.

    Example:
        >>> [inflect(word, "verb", "past") for word in ("play", "try", "like", "go up")]
        ['played', 'tried', 'liked', 'goed up']
        >>> inflect("go", "verb", "past", ["went", "gone"]), inflect("foot", "noun", "s", ["feet"])
        (None, 'feet')
    """
    if form == "base":
        return base
    if " " in base:
        words = base.split(" ")
        at = 0 if part == "verb" else -1
        inflected = inflect(words[at], part, form, irregular)
        if inflected is None:
            return None
        words[at] = inflected
        return " ".join(words)
    own = [each for each in irregular if form_of(each, base, part) == form]
    if own:
        # Of "went" and "gone" nothing here says which: past or participle.
        return own[0] if len(own) == 1 else None
    return _regular(base, part, form)


def _regular(base: str, part: str, form: Form) -> str | None:
    cut_y = base[-1:] == "y" and base[-2:-1] not in _VOWELS
    if form == "s":
        hard_o = part == "verb" and base[-1:] == "o" and base[-2:-1] not in _VOWELS
        if hard_o or base.endswith(("s", "x", "z", "ch", "sh")):
            return f"{base}es"
        return f"{base[:-1]}ies" if cut_y else f"{base}s"
    if form == "ing":
        if base.endswith("ie"):
            return f"{base[:-2]}ying"
        silent = base.endswith("e") and not base.endswith(("ee", "oe", "ye"))
        return f"{base[:-1] if silent else base}ing"
    if form in ("er", "est") and len(base) > 5 and not base.endswith("y"):
        return None  # "more beautiful"
    ending = "ed" if form == "past" else form
    if base.endswith("e"):
        return f"{base[:-1]}{ending}"
    return f"{base[:-1]}i{ending}" if cut_y else f"{base}{ending}"
