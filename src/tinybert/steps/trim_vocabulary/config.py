"""The settings of `trim-vocabulary`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field

from tinybert.base.errors import InputError, placed
from tinybert.data.corpus import hash_corpus
from tinybert.steps.base import Need, StepConfig
from tinybert.steps.choice import Choice, sizes
from tinybert.steps.expected import Expected, Plan
from tinybert.training.materials import Materials

SHARES = (1 / 20, 1 / 12, 1 / 8, 1 / 6, 0.23, 1 / 3, 1 / 2, 1.0)
"""Shares of the teacher's vocabulary that a search tries."""

FEW = 0.25
"""The share below which it also tries to leave out characters that no text has."""


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

    def choices(self, plan: Plan) -> dict[str, Choice]:
        """How many pieces stay."""
        whole = plan.config.get("vocab_size")
        if not isinstance(whole, int) or self.min_count > 1:
            return {}
        step = max(whole // 60, 1)
        values = [round(part * whole / step) * step for part in SHARES]
        every = sizes("size", values, whole, 0.25)
        settings: list[Mapping[str, Any]] = []
        losses: list[float] = []
        for setting, loss in zip(every.settings, every.losses, strict=True):
            if setting["size"] < whole * FEW:
                # Where characters that no text has would be most of what stays.
                settings.append({**setting, "characters": "used"})
                losses.append(loss + 0.2)
            settings.append(setting)
            losses.append(loss)
        return {"size": Choice(tuple(settings), tuple(losses))}

    def needs(self, corpus: bool) -> set[Need]:
        """Rows, where there is no corpus to count."""
        return set() if self.corpus or (corpus and self.reads_corpus) else {"rows"}

    def check(self, before: Expected, plan: Plan) -> Expected:
        """Fewer pieces, where it says how many."""
        after = super().check(before, plan)
        shape = before.shape
        if shape is None or shape.vocabulary is None or self.size is None:
            return after
        return replace(after, shape=replace(shape, vocabulary=min(self.size, shape.vocabulary)))

    def read(self, materials: Materials) -> list[str]:
        """Refuses a size that is too small for the tokenizer; hashes the corpus."""
        from tinybert.steps.trim_vocabulary.choose import always_kept, check_size
        from tinybert.steps.trim_vocabulary.pieces import read_pieces
        from tinybert.steps.trim_vocabulary.rebuild import read_document

        if materials.task.writes:
            raise InputError(
                "makes other tokens of a text, and perplexities of other tokens can't be compared; "
                "leave this step out"
            )
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
