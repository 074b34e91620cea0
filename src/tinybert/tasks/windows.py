"""Words of a text, found in the windows of its tokens: where they stand, and who answers them."""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tokenizers import Encoding

Bounds = tuple[int, int]
"""Where something begins in a text, and one after where it ends, in characters."""


class Answer(NamedTuple):
    """Which token answers a word.

    Attributes:
        window: The number of the window.
        token: The place in it.
    """

    window: int
    token: int


class _Piece(NamedTuple):
    token: int
    start: int
    end: int
    group: int


def join_bounds(words: Sequence[str]) -> list[Bounds]:
    """Where words are in the text that blanks join them to.

    Example:
        >>> join_bounds(["a", "film", ""])
        [(0, 1), (2, 6), (7, 7)]
    """
    bounds, start = [], 0
    for word in words:
        bounds.append((start, start + len(word)))
        start += len(word) + 1
    return bounds


def find_words(
    text: str, windows: "Sequence[Encoding]", words: Sequence[Bounds] | None = None
) -> tuple[list[Bounds], list[Answer | None]]:
    """The words of a text, and for each the token that answers it.

    That is its first piece, in the window where it has most neighbours on its poorer side; None
    for a word of which the tokenizer makes nothing.

    Args:
        text: The text as it was tokenized.
        windows: All its tokens, in windows that may overlap.
        words: Where its words are; None for those of the tokenizer: what its pre-tokenizer parts,
            and within that punctuation and characters of scripts without blanks; but "U.N." and
            "1996-08-22" are one word each.
    """
    pieces = [list(_pieces(text, window)) for window in windows]
    if words is None:
        words = _words(text, sorted({piece[1:] for window in pieces for piece in window}))
    starts = [start for start, _ in words]
    found: list[Answer | None] = [None] * len(words)
    at: list[tuple[int, int]] = [(0, 0)] * len(words)  # how well each is answered so far
    for number, window in enumerate(pieces):
        last = -1
        for piece in window:
            word = bisect_right(starts, piece.start) - 1
            if word <= last or piece.start >= words[word][1]:
                continue
            last = word
            context = min(piece.token - window[0].token, window[-1].token - piece.token)
            best = -piece.start, context
            if found[word] is None or best > at[word]:
                found[word], at[word] = Answer(number, piece.token), best
    return list(words), found


def _pieces(text: str, window: "Encoding") -> Iterator[_Piece]:
    """The tokens that stand for something in the text, without the blanks before it."""
    places = zip(window.offsets, window.word_ids, strict=True)
    for token, ((start, end), group) in enumerate(places):
        if group is None:
            continue
        while start < end and text[start].isspace():
            start += 1
        if start < end:
            yield _Piece(token, start, end, group)


def _words(text: str, pieces: Sequence[tuple[int, int, int]]) -> list[Bounds]:
    words: list[list[int]] = []
    before = -1
    for start, end, group in pieces:
        if words and not _begins(text, start, words[-1][1], group != before):
            words[-1][1] = max(words[-1][1], end)
        else:
            words.append([start, end])
        before = group
    limits = [*(start for start, _ in words[1:]), len(text)]
    for word, limit in zip(words, limits, strict=False):  # no words, one limit
        # What a tokenizer drops belongs to the character that it changes.
        while word[1] < limit and _changes(text[word[1]]):
            word[1] += 1
    return _joined(text, [(start, end) for start, end in words])


def _joined(text: str, words: Sequence[Bounds]) -> list[Bounds]:
    """Words as data sets have them: "U.N.", "1996-08-22" and "3.5" are one each.

    What a sentence ends with, "Iraq." and "Iraq,", stays apart, and so does "'s".
    """
    found: list[Bounds] = []
    for start, end in words:
        before = found[-1] if found else (0, 0)
        inner = text[before[0] : start]
        whole = start == before[1] and (
            (inner[-1:] in _INNER and inner[:-1] and _goes_on(inner[-2]) and _goes_on(text[start]))
            or (text[start:end] in _INNER and end < len(text) and _is_between(text, start))
            or (text[start:end] == "." and "." in inner and _goes_on(inner[0]))
        )
        if whole:
            found[-1] = before[0], end
        else:
            found.append((start, end))
    return found


_INNER = (".", "-", "&", "/")
"""What stands within words, between letters or digits."""


def _is_between(text: str, place: int) -> bool:
    return place > 0 and _goes_on(text[place - 1]) and _goes_on(text[place + 1])


def _goes_on(character: str) -> bool:
    """Whether it is a letter or a digit of a script that puts blanks between words."""
    return character.isalnum() and not _stands_alone(character)


def _begins(text: str, start: int, end: int, other_group: bool) -> bool:
    """Whether a piece begins a word, where the word before it ends at `end` so far."""
    if start < end:  # one of several pieces of one character
        return False
    if start == end and _changes(text[start]):
        return False
    if start == end and _changes(text[start - 1]) and text[start].isalnum():
        return _stands_alone(text[start])
    blank = any(map(str.isspace, text[end:start]))
    alone = _stands_alone(text[start]) or _stands_alone(text[start - 1])
    return other_group or blank or alone


def _changes(character: str) -> bool:
    """Whether it is no character of its own: a combining mark, a joiner, a variation selector."""
    return unicodedata.category(character)[0] == "M" or character == "\u200d"


def _stands_alone(character: str) -> bool:
    """Whether it is punctuation, or of a script that is written without blanks."""
    return unicodedata.category(character)[0] == "P" or any(
        low <= character <= high for low, high in _UNSPACED
    )


_UNSPACED = (
    ("\u2e80", "\u9fff"),  # CJK and kana
    ("\uf900", "\ufaff"),
    ("\U00020000", "\U0003ffff"),
)
