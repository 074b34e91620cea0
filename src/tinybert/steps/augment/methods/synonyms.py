"""Words replaced by synonyms: of WordNet, or of a file of a user's."""

import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from tinybert.base.errors import InputError, placed
from tinybert.base.files import hash_path, hash_value
from tinybert.steps.augment.inflection import form_of, inflect
from tinybert.steps.augment.methods.method import Method, World
from tinybert.steps.augment.passages import Edit, Made, Passage, edited
from tinybert.steps.augment.speech import guess_part
from tinybert.steps.augment.spots import Spot, find_all, written_like
from tinybert.steps.augment.stop_words import STOP_WORDS
from tinybert.steps.augment.thesaurus import read_thesaurus
from tinybert.steps.augment.wordnet import PARTS, WordNet, open_wordnet

DEBIAN = Path("/usr/share/wordnet")
"""Where Debian's package `wordnet-base` puts its files."""

_EVERY = 1000
"""Rows between reports."""


class SynonymsMethod(Method):
    """Replaces some words by synonyms in the same form: plural, past, -ing, case.

    The part of speech of an English word is guessed from the words beside it; where its form can't
    be told of a synonym, that is left out. Words of grammar, names and numbers stay.
    """

    name: ClassVar[str] = "synonyms"
    usual_copies: ClassVar[int] = 3

    source: str | None = Field(
        None,
        description="a folder of WordNet's files (Debian's wordnet-base, NLTK's "
        "corpora/wordnet), or a file of lines `big, large` and `car => auto, motor car`, as Solr "
        "has them; default: the first WordNet that is installed",
    )
    share: float = Field(
        0.1, gt=0, le=1, description="of a text's words, at least one; EDA's alpha"
    )
    senses: int = Field(
        1, gt=0, description="of a word's senses in WordNet, the usual first, whose words count"
    )

    def read(self, model: str | None) -> list[str]:
        """Checks the files; hashes them."""
        if self.source is None:
            return [_hash(_find_wordnet())]
        with placed("source"):
            path = Path(self.source)
            _open(path)
            return [_hash(path)]

    def make(self, passages: Sequence[Passage], copies: int, world: World) -> Iterator[Made]:
        """Texts with some words replaced by synonyms."""
        known = _open(Path(self.source) if self.source is not None else _find_wordnet())
        generator = world.generator(self.name)
        for number, passage in enumerate(passages):
            found = [
                self._replaceable(part, spots, known, passage.in_place)
                for part, spots in zip(passage.parts, find_all(passage, world.split), strict=True)
            ]
            parts = [part for part, spots in enumerate(found) if spots]
            for _ in range(copies if parts else 0):
                # As the other methods do it with pairs: the first, the second or both.
                which = generator.choice([parts[:1], parts[-1:], parts])
                edits: list[list[Edit]] = [[] for _ in passage.parts]
                for part in which:
                    words = max(1, int(self.share * len(passage.parts[part].split())))
                    some = generator.sample(list(found[part]), min(words, len(found[part])))
                    for spot in some:
                        word = generator.choice(found[part][spot])
                        edits[part].append(Edit(*spot, word))
                yield edited(number, self.name, passage.parts, edits)
            if number % _EVERY == 0:
                world.report(self.name, number, len(passages))
        world.report(self.name, len(passages), len(passages))

    def _replaceable(
        self,
        text: str,
        spots: Sequence[Spot],
        known: "WordNet | Mapping[str, Sequence[str]]",
        in_place: bool,
    ) -> dict[Spot, list[str]]:
        """The words of a text that have synonyms, with these."""
        found = {}
        for spot in spots:
            word = text[spot.start : spot.end]
            before = (text[: spot.start].split() or [""])[-1].lower()
            after = (text[spot.end :].split() or [""])[0].lower()
            if not isinstance(known, Mapping) and _is_name(text, spot):
                continue
            others = (
                _of_wordnet(word, before, after, known, self.senses)
                if isinstance(known, WordNet)
                else list(known.get(word.lower(), ()))
            )
            others = [
                written_like(other, word)
                for other in others
                # A blank would make two words of one that has one label.
                if not (in_place and " " in other) and _fits(other, before, word)
            ]
            if others:
                found[spot] = others
        return found


def _of_wordnet(written: str, before: str, after: str, known: WordNet, senses: int) -> list[str]:
    """The synonyms of a word in its form."""
    word = written.lower()
    if word in STOP_WORDS:
        return []
    bases = {part: base for part in PARTS if (base := known.base_form(word, part)) is not None}
    if not bases:
        return []
    follows = after not in STOP_WORDS and known.base_form(after.strip(".,;:!?\"'"), "noun")
    counts = {part: known.often(base, part) for part, base in bases.items()}
    part = guess_part(word, before, bool(follows), counts)
    form = form_of(word, bases[part], part)
    forms = (
        inflect(other, part, form, known.irregular[part].get(other.split(" ")[_at(part)], []))
        for other in known.synonyms(bases[part], part, senses)
    )
    return [other for other in dict.fromkeys(forms) if other is not None and other != word]


def _is_name(text: str, spot: Spot) -> bool:
    """Whether a word has a capital within a sentence."""
    begins = text[: spot.start].rstrip()[-1:] in ("", *".!?:\"'(")
    return text[spot.start].isupper() and not begins and not text.isupper()


def _at(part: str) -> int:
    """Which of several words changes."""
    return 0 if part == "verb" else -1


def _fits(other: str, before: str, word: str) -> bool:
    """Whether "a" or "an" before a word fits another in its place too."""
    vowels = "aeiou"
    if before not in ("a", "an"):
        return True
    return (other[0].lower() in vowels) == (word[0].lower() in vowels)


@functools.lru_cache(maxsize=2)
def _open(path: Path) -> "WordNet | Mapping[str, Sequence[str]]":
    """A folder of WordNet's or a file of a user's.

    Raises:
        InputError: It is neither.
    """
    if path.is_dir():
        return open_wordnet(path)
    return read_thesaurus(path)


def _hash(path: Path) -> str:
    if not path.is_dir():
        return hash_path(path)
    return hash_value([[file.name, hash_path(file)] for file in open_wordnet(path).files])


def _find_wordnet() -> Path:
    """The first WordNet that is installed.

    Raises:
        InputError: There is none.
    """
    roots = [path for path in os.environ.get("NLTK_DATA", "").split(os.pathsep) if path]
    roots += [str(Path.home() / "nltk_data"), "/usr/share/nltk_data", "/usr/local/share/nltk_data"]
    folders = [DEBIAN, *(Path(root, "corpora", "wordnet") for root in roots)]
    for folder in folders:
        if (folder / "index.noun").is_file():
            return folder
    raise InputError(
        "needs synonyms, and no WordNet is installed: apt install wordnet-base, or unpack NLTK's "
        "corpora/wordnet into ~/nltk_data, or name a folder or a file by synonyms.source"
    )
