"""Entities as tags of words, in the schemes in which data and models write them.

| scheme | an entity of one word | of three words |
|---|---|---|
| `bio` (IOB2) | B | B I I |
| `iob1` | I, or B right after one of the same type | I I I, likewise |
| `bilou` | U | B I L |
| `iobes` | S | B I E |
| `words` | the type alone: every word is one of its own | |
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Literal, NamedTuple, cast, get_args

Scheme = Literal["bio", "iob1", "bilou", "iobes", "words"]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)

OUTSIDE = "O"
"""The tag of a word in no entity."""

PREFIXES: dict[Scheme, str] = {
    "bio": "BI",
    "iob1": "BI",
    "bilou": "BILU",
    "iobes": "BIES",
    "words": "",
}

_TAG = re.compile(r"([BILUES])[-_](.+)", re.DOTALL)


_HALF_TAG = re.compile(r"[BIE]|[BILUES][-_]|[bilues][-_].+", re.DOTALL)
"""Tags of a scheme with prefixes that are not written as we read them."""


class Span(NamedTuple):
    """An entity: of words by their places, or of characters.

    Attributes:
        start: The first.
        end: One after the last.
        type: What it is, such as "PER".
    """

    start: int
    end: int
    type: str


class Tag(NamedTuple):
    """A tag in two parts.

    Attributes:
        prefix: One letter of a scheme; "" in the scheme `words`, and "O" of no entity.
        type: Of the entity; "" of no entity.
    """

    prefix: str
    type: str


class BadTag(ValueError):
    """A tag that can't stand where it does.

    Attributes:
        place: Of the tag in its sequence.
    """

    def __init__(self, place: int, message: str) -> None:
        super().__init__(message)
        self.place = place


def split_tag(tag: str, scheme: Scheme) -> Tag:
    """A tag's prefix and type.

    Raises:
        ValueError: It is none of the scheme's.

    Example:
        >>> split_tag("B-PER", "bio"), split_tag("O", "bio"), split_tag("NOUN", "words")
        (Tag(prefix='B', type='PER'), Tag(prefix='O', type=''), Tag(prefix='', type='NOUN'))
    """
    if tag == OUTSIDE:
        return Tag(OUTSIDE, "")
    if scheme == "words":
        return Tag("", tag)
    found = _TAG.fullmatch(tag)
    if found is None or found[1] not in PREFIXES[scheme]:
        known = ", ".join(f"{prefix}-..." for prefix in PREFIXES[scheme])
        raise ValueError(f"{tag!r} is no tag of the scheme {scheme}, which has O, {known}")
    return Tag(found[1], found[2])


def tags_of_types(types: Iterable[str], scheme: Scheme) -> tuple[str, ...]:
    """The tags that words of entities of some types can have, "O" first.

    Example:
        >>> tags_of_types(["LOC", "PER"], "bio")
        ('O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER')
    """
    prefixes = [f"{prefix}-" for prefix in PREFIXES[scheme]] or [""]
    return (OUTSIDE, *(f"{prefix}{name}" for name in types for prefix in prefixes))


def find_scheme(sequences: Collection[Sequence[str]]) -> Scheme:
    """The scheme in which sequences of tags are written.

    B and I alone may be IOB1 or BIO: it is IOB1 where an entity begins with I, and no B stands
    where IOB1 has none.

    Raises:
        ValueError: They are of no scheme, or of several.

    Example:
        >>> find_scheme([["O", "B-PER", "I-PER"]]), find_scheme([["I-PER", "B-PER"]])
        ('bio', 'iob1')
        >>> find_scheme([["U-LOC"]]), find_scheme([["DET", "NOUN"]])
        ('bilou', 'words')
    """
    names = {tag for sequence in sequences for tag in sequence} - {OUTSIDE}
    found = {name: match[1] for name in names if (match := _TAG.fullmatch(name))}
    if not found:
        half = [name for name in sorted(names) if _HALF_TAG.fullmatch(name)]
        if half and len(half) == len(names - {"o"}):
            raise ValueError(
                f"tags such as {half[0]!r} lack the type of the entity, or have a small prefix; "
                "write them as 'B-PER', or name the scheme: words"
            )
        return "words" if names else "bio"
    if len(found) < len(names):
        odd = min(names - found.keys())
        raise ValueError(f"some tags begin as {min(found)!r} does, and {odd!r} does not")
    prefixes = set(found.values())
    if prefixes <= {"B", "I"}:
        return "iob1" if _is_iob1(sequences) else "bio"
    for scheme in ("bilou", "iobes"):
        if prefixes <= set(PREFIXES[scheme]):
            return scheme
    raise ValueError(
        f"tags begin with {', '.join(sorted(prefixes))}, which are of no one scheme; known: "
        f"{', '.join(SCHEMES)}"
    )


def _is_iob1(sequences: Iterable[Sequence[str]]) -> bool:
    begins_with_i = False
    for sequence in sequences:
        before = Tag(OUTSIDE, "")
        for tag in (split_tag(name, "bio") for name in sequence):
            if tag.prefix == "B" and before.type != tag.type:
                return False
            begins_with_i |= tag.prefix == "I" and before.type != tag.type
            before = tag
    return begins_with_i


def read_tags(tags: Sequence[str], scheme: Scheme) -> list[Span]:
    """The entities of a sequence that must be well formed, by places of words.

    Raises:
        BadTag: A tag is unknown, or can't stand where it does.

    Example:
        >>> read_tags(["B-PER", "I-PER", "O", "B-LOC"], "bio")
        [Span(start=0, end=2, type='PER'), Span(start=3, end=4, type='LOC')]
        >>> read_tags(["I-PER", "I-PER", "B-PER"], "iob1")
        [Span(start=0, end=2, type='PER'), Span(start=2, end=3, type='PER')]
    """
    parts: list[Tag] = []
    for place, name in enumerate(tags):
        try:
            parts.append(split_tag(name, scheme))
        except ValueError as error:
            raise BadTag(place, str(error)) from None
    if scheme in ("bio", "bilou", "iobes"):
        _check(parts, tags, scheme)
    return group(parts)


def _check(parts: Sequence[Tag], names: Sequence[str], scheme: Scheme) -> None:
    """Refuses an entity that begins or ends in its middle."""
    ends = "LE"  # what a B or an I is followed by in the end; never in BIO
    before = Tag(OUTSIDE, "")
    for place, tag in enumerate([*parts, Tag(OUTSIDE, "")]):
        goes_on = tag.prefix in ("I", *ends)
        is_open = before.prefix in ("B", "I")
        if goes_on and not (is_open and before.type == tag.type):
            after = names[place - 1] if place else "the beginning"
            raise BadTag(
                place, f"{names[place]!r} after {after!r} goes on with an entity that is not there"
            )
        if scheme != "bio" and is_open and not goes_on:
            raise BadTag(place - 1, f"{names[place - 1]!r} begins an entity that does not end")
        before = tag


def group(tags: Sequence[Tag]) -> list[Span]:
    """The entities of any sequence, as conlleval and seqeval's default mode find them.

    A change of type ends an entity and begins one, and so does an I that follows nothing.

    Example:
        >>> group([Tag("I", "PER"), Tag("I", "LOC"), Tag("O", ""), Tag("I", "LOC")])
        [Span(start=0, end=1, type='PER'), Span(start=1, end=2, type='LOC'), \
Span(start=3, end=4, type='LOC')]
    """
    spans: list[Span] = []
    start: int | None = None
    before = Tag(OUTSIDE, "")
    for place, tag in enumerate([*tags, Tag(OUTSIDE, "")]):
        # One word alone, or the last of several, or a word of a scheme without prefixes.
        closed = before.prefix in ("E", "L", "S", "U", "")
        fresh = tag.prefix in ("B", "S", "U", "") or closed or before.type != tag.type
        if start is not None and (tag.prefix == OUTSIDE or fresh):
            spans.append(Span(start, place, before.type))
            start = None
        if start is None and tag.prefix != OUTSIDE:
            start = place
        before = tag
    return spans


def group_strictly(tags: Sequence[Tag], scheme: Scheme) -> list[Span]:
    """The entities that are written as their scheme has it, as seqeval's strict mode finds them.

    Example:
        >>> tags = [Tag("I", "PER"), Tag("O", ""), Tag("B", "LOC"), Tag("I", "LOC")]
        >>> group_strictly(tags, "bio")
        [Span(start=2, end=4, type='LOC')]
    """
    if scheme in ("iob1", "words"):
        return group(tags)
    spans: list[Span] = []
    place = 0
    while place < len(tags):
        tag = tags[place]
        end = place + 1
        if tag.prefix == "B":
            while end < len(tags) and _goes_on(tags[end - 1], tags[end]):
                end += 1
        last = tags[end - 1].prefix
        if (tag.prefix == "B" and (scheme == "bio" or last in "LE")) or tag.prefix in ("U", "S"):
            spans.append(Span(place, end, tag.type))
            place = end
        else:
            place += 1
    return spans


def _goes_on(before: Tag, tag: Tag) -> bool:
    return before.prefix in "BI" and tag.prefix in ("I", "L", "E") and before.type == tag.type


def write_tags(count: int, spans: Iterable[Span], scheme: Scheme) -> list[Tag]:
    """The tags of words in some entities, which don't overlap.

    Args:
        count: Words.
        spans: Of words, by their places.
        scheme: How they are written.

    Example:
        >>> [tag.prefix for tag in write_tags(4, [Span(0, 1, "PER"), Span(1, 4, "PER")], "bilou")]
        ['U', 'B', 'I', 'L']
    """
    tags = [Tag(OUTSIDE, "")] * count
    for start, end, name in spans:
        before = tags[start - 1].type if start else ""
        for place, prefix in enumerate(_WRITERS[scheme](end - start, before == name), start):
            tags[place] = Tag(prefix, name)
    return tags


_Writer = Callable[[int, bool], Sequence[str]]
"""Words of an entity, and whether one of its type stands right before it, to their prefixes."""


def _ended(one: str, last: str) -> _Writer:
    return lambda count, _: one if count == 1 else f"B{'I' * (count - 2)}{last}"


_WRITERS = cast(
    dict[Scheme, _Writer],
    {
        "bio": lambda count, _: "B" + "I" * (count - 1),
        "iob1": lambda count, follows: ("B" if follows else "I") + "I" * (count - 1),
        "bilou": _ended("U", "L"),
        "iobes": _ended("S", "E"),
        "words": lambda count, _: [""] * count,
    },
)
