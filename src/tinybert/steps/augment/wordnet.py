"""WordNet as its own files have it: senses, their words, and the base forms of words."""

import functools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tinybert.base.errors import InputError
from tinybert.base.files import require_file

PARTS = {"noun": "1", "verb": "2", "adj": "3", "adv": "4"}
"""The parts of speech, as files are called, and what stands for each in a sense's key."""

_ENDINGS: Mapping[str, Sequence[tuple[str, str]]] = {
    "noun": (
        *(("s", ""), ("ses", "s"), ("ves", "f"), ("xes", "x"), ("zes", "z")),
        *(("ches", "ch"), ("shes", "sh"), ("men", "man"), ("ies", "y")),
    ),
    "verb": (
        *(("s", ""), ("ies", "y"), ("es", "e"), ("es", "")),
        *(("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", "")),
    ),
    "adj": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "adv": (),
}
"""What an ending may have been: the rules of WordNet's own program, morphy(7WN)."""


@dataclass(frozen=True)
class WordNet:
    """A folder of WordNet's files, as Debian's `wordnet-base` and NLTK's corpus have them.

    Attributes:
        folder: With index.noun, data.noun, noun.exc and those of the other parts of speech.

    Example:
        >>> words = WordNet(Path("/usr/share/wordnet"))  # doctest: +SKIP
        >>> words.synonyms("movie", "noun", senses=1)[:2]  # doctest: +SKIP
        ['film', 'picture']
    """

    folder: Path

    @classmethod
    def read(cls, folder: Path) -> "WordNet":
        """Opens a folder.

        Raises:
            InputError: It lacks a file.
        """
        for part in PARTS:
            for name in (f"index.{part}", f"data.{part}"):
                require_file(folder / name)
                if not (folder / name).is_file():
                    raise InputError(f"{folder}: has no {name}, so it is no folder of WordNet's")
        return cls(folder)

    @property
    def files(self) -> list[Path]:
        """What answers depend on."""
        names = [f"{kind}.{part}" for kind in ("index", "data") for part in PARTS]
        names += [*(f"{part}.exc" for part in PARTS), "cntlist.rev"]
        return [path for name in names if (path := self.folder / name).is_file()]

    def _lines(self, name: str) -> Iterator[str]:
        path = self.folder / name
        if path.is_file():
            with path.open(encoding="utf-8", errors="replace") as file:
                yield from (line for line in file if not line.startswith("  "))

    @cached_property
    def _senses(self) -> dict[str, dict[str, tuple[int, ...]]]:
        """For each part of speech the senses of each word: where they stand, the usual first."""
        found: dict[str, dict[str, tuple[int, ...]]] = {}
        for part in PARTS:
            words = {}
            for line in self._lines(f"index.{part}"):
                cells = line.split()
                try:
                    count = int(cells[2])
                    words[cells[0]] = tuple(int(cell) for cell in cells[-count:])
                except (IndexError, ValueError):
                    raise InputError(
                        f"{self.folder / f'index.{part}'}: a line is not as WordNet's are: "
                        f"{line[:80]!r}"
                    ) from None
            found[part] = words
        return found

    @cached_property
    def _data(self) -> dict[str, bytes]:
        return {part: (self.folder / f"data.{part}").read_bytes() for part in PARTS}

    @cached_property
    def _counts(self) -> dict[tuple[str, str], int]:
        """How often a word is a part of speech in WordNet's own texts, where that is told."""
        parts = {number: part for part, number in PARTS.items()} | {"5": "adj"}
        counts: dict[tuple[str, str], int] = defaultdict(int)
        for line in self._lines("cntlist.rev"):
            key, _, count = line.split()
            word, _, sense = key.partition("%")
            counts[word, parts[sense[0]]] += int(count)
        return dict(counts)

    @cached_property
    def _base_forms(self) -> dict[str, dict[str, list[str]]]:
        return {
            part: {
                cells[0]: cells[1:]
                for line in self._lines(f"{part}.exc")
                if len(cells := line.split()) > 1
            }
            for part in PARTS
        }

    @cached_property
    def irregular(self) -> dict[str, dict[str, list[str]]]:
        """For each part of speech the forms of words that rules don't give."""
        found: dict[str, dict[str, list[str]]] = {part: defaultdict(list) for part in PARTS}
        for part, forms in self._base_forms.items():
            for form, bases in forms.items():
                for base in bases:
                    found[part][base].append(form)
        return found

    def base_form(self, word: str, part: str) -> str | None:
        """The word as it stands in a dictionary; None where it is no such part of speech.

        Args:
            word: In lower case.
            part: Of speech.
        """
        known = self._senses[part]
        if word in known:
            return word
        for base in self._base_forms[part].get(word, []):
            if base in known:
                return base
        for ending, before in _ENDINGS[part]:
            base = word.removesuffix(ending) + before
            if word.endswith(ending) and len(base) > 1 and base in known:
                return base
        return None

    def often(self, base: str, part: str) -> int:
        """How often a word is that part of speech, by WordNet's tagged texts."""
        return self._counts.get((base, part), 0)

    def synonyms(self, base: str, part: str, senses: int) -> list[str]:
        """Other words of a word's usual senses, without names; some are of several words.

        Args:
            base: As it stands in a dictionary.
            part: Of speech.
            senses: How many of its senses count.
        """
        places = self._senses[part].get(base, ())[:senses]
        words = [word for place in places for word in _words_at(self._data[part], place)]
        return [word for word in dict.fromkeys(words) if word != base.replace("_", " ")]


def _words_at(data: bytes, place: int) -> list[str]:
    """The words of a sense: `offset file kind count (word id)...`, the count in hexadecimal."""
    end = data.find(b"\n", place)
    cells = data[place:end].decode("utf-8", errors="replace").split(" ")
    try:
        words = cells[4 : 4 + 2 * int(cells[3], 16) : 2]
    except (IndexError, ValueError):
        return []
    # "(p)" marks adjectives that stand in some places only; names begin with a capital.
    return [word.replace("_", " ") for word in words if word == word.lower() and "(" not in word]


@functools.lru_cache(maxsize=2)
def open_wordnet(folder: Path) -> WordNet:
    """A folder of WordNet's, read once."""
    return WordNet.read(folder)
