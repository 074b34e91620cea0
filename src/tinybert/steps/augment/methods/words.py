"""Words dropped, moved, inserted, replaced or swapped, at random: see `steps.augment.words`."""

import logging
import random
from collections.abc import Iterator, Sequence
from typing import ClassVar

from tinybert.base.errors import InputError
from tinybert.steps.augment.methods.method import Method, World
from tinybert.steps.augment.passages import Edit, Made, Passage, edited
from tinybert.steps.augment.split import Splitter
from tinybert.steps.augment.spots import Spot, find_all
from tinybert.steps.augment.words import change_words

logger = logging.getLogger(__name__)

_TRIES = 10
"""Changes that are tried where some would touch what must not change."""

_EVERY = 1000
"""Rows between reports."""


class WordsMethod(Method):
    """One word a text is changed at random; where labels are of words, it is replaced."""

    name: ClassVar[str] = "words"
    usual_copies: ClassVar[int] = 3

    def make(self, passages: Sequence[Passage], copies: int, world: World) -> Iterator[Made]:
        """Texts with one word changed."""
        free = [place for place, passage in enumerate(passages) if not passage.in_place]
        kept = _known(passages, free, world.split)
        # The numbers that this step has always had, before there were other methods.
        generator = random.Random(world.seed)
        if kept:
            yield from _anew(passages, kept * copies, world, generator)
        placed = [place for place, passage in enumerate(passages) if passage.in_place]
        if placed:
            yield from _replaced(passages, placed * copies, world, generator)


def _known(passages: Sequence[Passage], places: Sequence[int], split: Splitter) -> list[int]:
    """The rows whose words are known.

    Raises:
        InputError: Those are less than half.
    """
    kept = [place for place in places if all(map(split.knows_words, passages[place].parts))]
    if 2 * len(kept) < len(places):
        raise InputError(
            f"{len(places) - len(kept)} of {len(places)} texts are in a script without blanks, "
            "whose words can't be told apart (as those of Thai by a WordPiece tokenizer); "
            f"{split.advice}"
        )
    if len(kept) < len(places):
        logger.warning(
            "augment: %d of %d texts are not changed: they are in a script without blanks, whose "
            "words this tokenizer can't tell apart",
            len(places) - len(kept),
            len(places),
        )
    return kept


def _anew(
    passages: Sequence[Passage], order: Sequence[int], world: World, generator: random.Random
) -> Iterator[Made]:
    """Rows with one word dropped, moved, inserted, replaced or swapped."""
    split = world.split
    words = [
        word
        for place in dict.fromkeys(order)
        for part in passages[place].parts
        for word in split(part)
    ]
    for done, place in enumerate(order):
        parts = passages[place].parts
        given = parts if len(parts) == 2 else parts[0]
        for _ in range(_TRIES):
            (changed,) = change_words([given], words, generator, split)
            after = (changed,) if isinstance(changed, str) else changed
            if world.knowledge.keeps(parts, after):
                yield Made(place, WordsMethod.name, after)
                break
        if done % _EVERY == 0:
            world.report(WordsMethod.name, done, len(order))
    world.report(WordsMethod.name, len(order), len(order))


def _replaced(
    passages: Sequence[Passage], order: Sequence[int], world: World, generator: random.Random
) -> Iterator[Made]:
    """Rows with one word replaced by another of the rows, of those that may change there."""
    spots = {place: find_all(passages[place], world.split) for place in dict.fromkeys(order)}
    words = [
        passages[place].parts[part][spot.start : spot.end]
        for place, own in spots.items()
        for part, found in enumerate(own)
        for spot in found
    ]
    for done, place in enumerate(order):
        at = [(part, spot) for part, found in enumerate(spots[place]) for spot in found]
        if at:
            part, spot = generator.choice(at)
            edits: list[list[Edit]] = [[] for _ in passages[place].parts]
            edits[part].append(_other(passages[place].parts[part], spot, words, generator))
            yield edited(place, WordsMethod.name, passages[place].parts, edits)
        if done % _EVERY == 0:
            world.report(WordsMethod.name, done, len(order))
    world.report(WordsMethod.name, len(order), len(order))


def _other(text: str, spot: Spot, words: Sequence[str], generator: random.Random) -> Edit:
    """Another word in a place; the same where none is found soon."""
    own = text[spot.start : spot.end]
    drawn = (generator.choice(words) for _ in range(_TRIES))
    return Edit(spot.start, spot.end, next((word for word in drawn if word != own), own))
