"""Many terms as one pattern, which finds each of them as a whole word."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tinybert.steps.augment.split import is_unspaced

_END: Any = None
"""The key of a tree at which a term ends."""


def terms_pattern(terms: Iterable[str]) -> "re.Pattern[str]":
    """A pattern that finds terms wherever they stand as words of their own, in any case.

    Blanks within a term are any blanks. Where a term begins or ends with a character of a script
    that puts no blanks between words, it may touch other characters there. Of terms that begin
    alike the longest is found. Ten thousand take hardly longer than one: they are a tree.

    Args:
        terms: One at least, none of them blank.

    Example:
        >>> found = terms_pattern(["New York", "new", "York Times"])
        >>> found.findall("New  York, a new newspaper: the York Times")
        ['New  York', 'new', 'York Times']
    """
    tree: dict[Any, Any] = {}
    for term in terms:
        at = tree
        for part in _characters(_lower(term)):
            at = at.setdefault(part, {})
        at[_END] = {}
    return re.compile(_pattern(tree), re.IGNORECASE)


def _lower(term: str) -> str:
    """A term in lower case, but for characters that would become several, as "İ"."""
    return "".join(low if len(low := each.lower()) == 1 else each for each in term)


def _characters(term: str) -> Iterator[str]:
    """The parts of a term's pattern: a character or a run of blanks each, edges at the ends."""
    words = term.split()
    if not is_unspaced(words[0][0]):
        yield r"(?<!\w)"
    for place, word in enumerate(words):
        if place:
            yield r"\s+"
        yield from map(re.escape, word)
    if not is_unspaced(words[-1][-1]):
        yield r"(?!\w)"


def _pattern(tree: dict[Any, Any]) -> str:
    """The pattern of a tree, without recursion over the length of its terms."""
    prefix = ""
    while len(tree) == 1 and _END not in tree:
        ((part, tree),) = tree.items()
        prefix += part
    branches = [part + _pattern(below) for part, below in tree.items() if part is not _END]
    # The edge behind a term's last character is tried after what makes the term longer.
    branches.sort(key=lambda branch: branch.startswith("(?!"))
    if not branches:
        return prefix
    ends = "?" if _END in tree else ""
    return f"{prefix}(?:{'|'.join(branches)}){ends}"
