"""The pieces in a tokenizer.json: how each is spelled, what it is made of, which must stay.

The rules hold for any part of a vocabulary that has all of `Pieces.indispensable`, and with each
piece its `Pieces.with_parts`: a text of known words is cut into the same pieces as before if all of
these were kept, and a word that pieces of one character can spell is never unknown.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from tinybert.base.errors import InputError

_BYTE = re.compile(r"<0x[0-9A-F]{2}>")


class Pieces(ABC):
    """The pieces of one tokenizer.

    Args:
        document: The content of its tokenizer.json.

    Attributes:
        ids: The id of each piece, those of added tokens included.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.model: Mapping[str, Any] = document["model"]
        self.added = {token["content"]: token["id"] for token in document["added_tokens"]}
        self.ids = {**self._model_ids(), **self.added}
        self._names = {number: piece for piece, number in self.ids.items()}
        self._prefix = self.model.get("continuing_subword_prefix") or ""
        self._suffix = self.model.get("end_of_word_suffix") or ""

    def letters(self, piece: str) -> list[str]:
        """A piece as pieces of one character.

        Example:
            >>> model = {"vocab": {"a": 0}, "unk_token": "a", "continuing_subword_prefix": "##"}
            >>> pieces = WordPiece({"model": model, "added_tokens": [], "post_processor": None})
            >>> pieces.letters("film"), pieces.letters("##ed")
            (['f', '##i', '##l', '##m'], ['##e', '##d'])
        """
        inside = len(piece) > len(self._prefix) and piece.startswith(self._prefix)
        text = piece[len(self._prefix) :] if inside else piece
        ends = len(text) > len(self._suffix) and text.endswith(self._suffix)
        text = text[: len(text) - len(self._suffix)] if ends else text
        letters = [self._prefix * (inside or place > 0) + char for place, char in enumerate(text)]
        return [*letters[:-1], letters[-1] + self._suffix * ends] if letters else []

    def indispensable(self) -> set[int]:
        """Ids that stay whatever is used.

        Added tokens and those that the post-processor writes, the piece for unknown words, pieces
        of one character, and the rare piece that these can't spell.
        """
        kept = {*self.added.values(), *_numbers(self.document["post_processor"])}
        if (unknown := self.model.get("unk_token")) is not None:
            kept.add(self.ids[unknown])
        for piece, number in self.ids.items():
            letters = self.letters(piece)
            spelled = all(letter in self.ids for letter in letters)
            byte = self.model.get("byte_fallback") and _BYTE.fullmatch(piece)
            if len(letters) == 1 or not spelled or byte:
                kept.add(number)
        return kept

    def with_parts(self, number: int) -> set[int]:
        """A piece, and those without which texts would not be cut into it."""
        return {number}

    def idle_characters(self, used: Iterable[int]) -> set[int]:
        """Pieces of one character, ASCII aside, that no used piece is spelled with.

        Args:
            used: Ids.

        Raises:
            InputError: The tokenizer has no unknown words: it spells them by all characters.
        """
        raise InputError(
            f"`used` is for WordPiece; a {self.model['type']} tokenizer spells by all its "
            "characters, which are few"
        )

    def trimmed(self, kept: Sequence[int]) -> dict[str, Any]:
        """The document with the pieces of `kept` alone, their places in it as their ids.

        Args:
            kept: Ids, ascending; closed as the module says.
        """
        new = {number: place for place, number in enumerate(kept)}
        added = [token | {"id": new[token["id"]]} for token in self.document["added_tokens"]]
        processor = _renumbered(self.document["post_processor"], new)
        model = {**self.model, **self._trimmed_model(new)}
        return {**self.document, "added_tokens": added, "post_processor": processor, "model": model}

    def _model_ids(self) -> dict[str, int]:
        return dict(self.model["vocab"])

    @abstractmethod
    def _trimmed_model(self, new: Mapping[int, int]) -> dict[str, Any]:
        """What changes in the document's "model"."""


class WordPiece(Pieces):
    """The longest piece that a word begins with, then the longest that goes on with it.

    Of fewer pieces the longest is the same as long as it is among them.
    """

    def idle_characters(self, used: Iterable[int]) -> set[int]:
        """See `Pieces.idle_characters`."""
        needed = {letter for number in used for letter in self.letters(self._names[number])}
        return {
            number
            for piece, number in self.model["vocab"].items()
            if self.letters(piece) == [piece] and not piece.isascii() and piece not in needed
        }

    def _trimmed_model(self, new: Mapping[int, int]) -> dict[str, Any]:
        return {"vocab": _renumbered_vocabulary(self.model["vocab"], new)}


class Bpe(Pieces):
    """Merges of neighbours, in the order in which they were learned.

    Nothing merges across the edge of a piece that a text ends up with, so the merges within it
    are those of the piece alone; without the others these are still the first ones each time.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        super().__init__(document)
        self._ranks = {tuple(pair): rank for rank, pair in enumerate(self.model["merges"])}

    def with_parts(self, number: int) -> set[int]:
        """A piece and what it is merged from, step by step."""
        parts = {number}
        if self._names[number] in self.added:  # found in the text before anything is merged
            return parts
        symbols = self.letters(self._names[number])
        while ranked := [
            (self._ranks[pair], place)
            for place, pair in enumerate(pairwise(symbols))
            if pair in self._ranks
        ]:
            _, place = min(ranked)
            symbols[place : place + 2] = [self._merged(*symbols[place : place + 2])]
            parts.add(self.ids[symbols[place]])
        return parts

    def _merged(self, left: str, right: str) -> str:
        return left + right[len(self._prefix) :]

    def _trimmed_model(self, new: Mapping[int, int]) -> dict[str, Any]:
        merges = [
            pair
            for pair in self.model["merges"]
            if all(self.ids[piece] in new for piece in (*pair, self._merged(*pair)))
        ]
        return {"vocab": _renumbered_vocabulary(self.model["vocab"], new), "merges": merges}


class Unigram(Pieces):
    """The pieces of the greatest total score; of fewer pieces it is the same total."""

    def indispensable(self) -> set[int]:
        """See `Pieces.indispensable`."""
        kept = super().indispensable()
        scores = [score for _, score in self.model["vocab"]]
        kept.add(scores.index(min(scores)))  # what an unknown character costs is reckoned from it
        if (unknown := self.model["unk_id"]) is not None:
            kept |= {*range(unknown + 1)}  # XLMRobertaTokenizer takes it to be 3, whatever we say
        return kept

    def _model_ids(self) -> dict[str, int]:
        return {piece: number for number, (piece, _) in enumerate(self.model["vocab"])}

    def _trimmed_model(self, new: Mapping[int, int]) -> dict[str, Any]:
        unknown = self.model["unk_id"]
        return {
            "vocab": [entry for number, entry in enumerate(self.model["vocab"]) if number in new],
            "unk_id": None if unknown is None else new[unknown],
        }


_KINDS: dict[str, type[Pieces]] = {"WordPiece": WordPiece, "BPE": Bpe, "Unigram": Unigram}


def read_pieces(document: Mapping[str, Any]) -> Pieces:
    """The pieces of a tokenizer.json.

    Raises:
        InputError: Its model is of another kind.
    """
    kind = document["model"]["type"]
    if kind not in _KINDS:
        raise InputError(
            f"a tokenizer of the kind {kind} can't be trimmed; supported: {', '.join(_KINDS)}"
        )
    return _KINDS[kind](document)


def _renumbered_vocabulary(vocabulary: Mapping[str, int], new: Mapping[int, int]) -> dict[str, int]:
    return {piece: new[number] for piece, number in vocabulary.items() if number in new}


# In a post-processor the numbers in lists are ids: ["[SEP]", 102], {"ids": [102]}; others are not.


def _numbers(value: Any) -> Iterator[int]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, int))
    if isinstance(value, list | dict):
        for item in value if isinstance(value, list) else value.values():
            yield from _numbers(item)


def _renumbered(value: Any, new: Mapping[int, int]) -> Any:
    if isinstance(value, list):
        return [new[item] if isinstance(item, int) else _renumbered(item, new) for item in value]
    if isinstance(value, dict):
        return {key: _renumbered(item, new) for key, item in value.items()}
    return value
