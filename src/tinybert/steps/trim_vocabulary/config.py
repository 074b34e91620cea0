"""The settings of `trim-vocabulary`."""

from typing import ClassVar, Literal

from pydantic import Field

from tinybert.base.errors import placed
from tinybert.data.corpus import hash_corpus
from tinybert.steps.base import Need, StepConfig
from tinybert.training.materials import Materials


class TrimConfig(StepConfig):
    """Which pieces of the vocabulary stay, beside those that spell any word."""

    name: ClassVar[str] = "trim-vocabulary"
    function: ClassVar[str] = "tinybert.steps.trim_vocabulary.step:trim_vocabulary"
    works_on: ClassVar[Literal["vocabulary"]] = "vocabulary"
    shrinks: ClassVar[bool] = True

    min_count: int = Field(
        default=1, ge=1, description="how often the corpus must use a piece for it to stay"
    )
    size: int | None = Field(
        default=None,
        ge=1,
        description="pieces at most, the most used; special pieces and the alphabet always stay; "
        "default: as many as are used",
    )
    characters: Literal["all", "used"] = Field(
        default="all",
        description="pieces of one character that stay whatever the size: all, so that any word "
        "can be spelled; used: of WordPiece, those of the texts and of ASCII, and a word with "
        "another character is unknown",
    )
    corpus: list[str] | None = Field(
        default=None,
        description="texts to count beside the training rows, named as in data.unlabeled; "
        "default: data.unlabeled",
    )

    @property
    def reads_corpus(self) -> bool:
        """Unless it has one of its own."""
        return self.corpus is None

    def needs(self, corpus: bool) -> set[Need]:
        """Rows, where there is no corpus to count."""
        return set() if self.corpus or (corpus and self.reads_corpus) else {"rows"}

    def read(self, materials: Materials) -> list[str]:
        """Refuses a size that is too small for the tokenizer; hashes the corpus."""
        from tinybert.steps.trim_vocabulary.choose import always_kept, check_size
        from tinybert.steps.trim_vocabulary.pieces import read_pieces
        from tinybert.steps.trim_vocabulary.rebuild import read_document

        pieces = read_pieces(read_document(materials.tokenizer))
        with placed("characters"):  # what texts use is not known yet
            used = () if self.characters == "used" else None
            always = always_kept(pieces, materials.config, used)
        with placed("size"):
            check_size(self, always)
        if self.corpus:
            with placed("corpus"):
                return [hash_corpus(self.corpus)]
        if self.reads_corpus and materials.hash_corpus is not None:
            return [materials.hash_corpus()]
        return []
