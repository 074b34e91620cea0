"""What is known of a domain: terms that never change, and rules."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import Field

from tinybert.base.errors import InputError, placed, short
from tinybert.data.lines import read_lines
from tinybert.steps.augment.terms import terms_pattern
from tinybert.tasks.windows import Bounds
from tinybert.training.rules import PatternConfig

TERMS_FILE = ".txt"
"""How the names of files with a term a line end."""


class RuleConfig(PatternConfig):
    """What a text that has a pattern in it must keep, or is labeled."""

    label: str | None = Field(
        None,
        description="the label of texts that have it; default: none, and what it finds must stay "
        "as it is",
    )


@dataclass(frozen=True)
class Knowledge:
    """Terms that never change, and rules.

    Attributes:
        terms: They are found as whole words, in any case.
        rules: What texts keep, and which label they have.

    Example:
        >>> known = Knowledge(("New York",), ())
        >>> known.keeps(["a trip to New York"], ["a visit to New York"])
        True
        >>> known.keeps(["a trip to New York"], ["a trip to York"])
        False
    """

    terms: tuple[str, ...] = ()
    rules: tuple[RuleConfig, ...] = ()

    @cached_property
    def _kept(self) -> list["re.Pattern[str]"]:
        rules = [re.compile(rule.pattern) for rule in self.rules if rule.label is None]
        return [terms_pattern(self.terms), *rules] if self.terms else rules

    @cached_property
    def _labels(self) -> list[tuple["re.Pattern[str]", str]]:
        return [
            (re.compile(rule.pattern), rule.label) for rule in self.rules if rule.label is not None
        ]

    def fixed(self, text: str) -> list[Bounds]:
        """Where in a text stands what must not change."""
        spans = []
        for each in self._kept:
            for found in each.finditer(text):
                if not found[0]:
                    raise InputError(
                        f"rules: {short(each.pattern)} finds a place, and no text that could be "
                        "kept; write what is found without (?=...) or the like"
                    )
                spans.append(found.span())
        return spans

    def keeps(self, before: Sequence[str], after: Sequence[str]) -> bool:
        """Whether changed texts have what must not change: the same, as often, in the same order.

        Args:
            before: The texts of a row.
            after: The texts that they became.
        """
        return all(
            [found[0] for found in each.finditer(old)] == [found[0] for found in each.finditer(new)]
            for each in self._kept
            for old, new in zip(before, after, strict=True)
        )

    def labels_of(self, texts: Sequence[str]) -> set[str]:
        """The labels that rules give the texts of a row: none, one, or several that differ."""
        return {label for each, label in self._labels if any(map(each.search, texts))}


def read_knowledge(protect: Sequence[str], rules: Sequence[RuleConfig]) -> Knowledge:
    """What a user says of a domain, with the terms that stand in files.

    Args:
        protect: Terms, or names of .txt files with a term a line.
        rules: As they are given.

    Raises:
        InputError: A file can't be read, or a term is blank.
    """
    terms: list[str] = []
    for place, given in enumerate(protect):
        with placed("protect", place):
            terms += _terms(given)
    return Knowledge(tuple(dict.fromkeys(terms)), tuple(rules))


def _terms(given: str) -> Iterator[str]:
    if given.endswith(TERMS_FILE):
        yield from (line.strip() for line in read_lines(Path(given)) if line.strip())
    elif not given.strip():
        raise InputError("a term is blank")
    else:
        yield given.strip()
