"""Words replaced by what a masked-LM expects in their place: TinyBERT's data augmentation."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from tinybert.base.errors import InputError, placed
from tinybert.steps.augment.methods.method import Method, World
from tinybert.steps.augment.passages import Edit, Made, Passage, edited
from tinybert.steps.augment.spots import Spot, find_all, written_like
from tinybert.steps.augment.stop_words import STOP_WORDS


class MaskedLMMethod(Method):
    """Replaces words by what a masked-LM expects there, or by neighbours of their embedding.

    Algorithm 1 of TinyBERT (arXiv:1909.10351, section 3.2), whose p_t, N_a and K are the defaults:
    a word of one piece is masked, and the most likely words are its candidates; of others they are
    those whose embeddings are nearest, by cosine, in the same model.
    """

    name: ClassVar[str] = "masked-lm"
    usual_copies: ClassVar[int] = 20

    model: str | None = Field(
        None,
        description="path or hub id of a model with a masked-LM head, of any vocabulary; default: "
        "the teacher as it was given, or --model",
    )
    probability: float = Field(
        0.4, gt=0, le=1, description="of each word to be replaced in a copy; TinyBERT's p_t"
    )
    candidates: int = Field(15, gt=0, description="words to draw from for each; TinyBERT's K")
    at_once: float = Field(
        0.15,
        ge=0,
        lt=1,
        description="share of a text's tokens that are masked in one pass, far apart; BERT's "
        "pretraining masks 0.15; 0 masks one word at a time, as TinyBERT's program does",
    )
    bf16: bool | Literal["auto"] = Field(
        "auto", description="run it in bfloat16; auto: where the hardware multiplies it natively"
    )

    def read(self, model: str | None) -> list[str]:
        """Checks the model; hashes it."""
        from tinybert.modeling.hub import find_folder, hash_model
        from tinybert.steps.augment.candidates import Candidates

        folder = find_folder(self._source(model))
        try:
            Candidates.load(folder, self)
        except InputError as error:
            if self.model is not None:
                with placed("model"):
                    raise
            raise InputError(
                f"{error}: name another by masked_lm.model, such as the one that this was "
                "fine-tuned from"
            ) from None
        return [hash_model(folder)]

    def _source(self, model: str | None) -> str:
        if self.model is not None:
            return self.model
        if model is None:
            raise InputError("needs a model with a masked-LM head: name it by --model")
        return model

    def make(self, passages: Sequence[Passage], copies: int, world: World) -> Iterator[Made]:
        """Texts with some words replaced.

        What is drawn is drawn first, so that the model sees no word that stays in all copies, and
        no text twice.
        """
        from tinybert.modeling.hub import find_folder
        from tinybert.steps.augment.candidates import Candidates

        wanted: dict[str, set[Spot]] = {}
        for number, passage in enumerate(passages):
            for draw in self._draws(number, passage, copies, world):
                wanted.setdefault(passage.parts[draw.part], set()).add(draw.spot)
        model = Candidates.load(find_folder(self._source(world.model)), self)
        total = len(passages) * copies
        found = model.find(
            {text: sorted(spots) for text, spots in wanted.items()},
            # Asking the model is nearly all of the work.
            lambda share: world.report(self.name, min(int(share * total), total - 1), total),
        )
        for number, passage in enumerate(passages):
            yield from self._copies(number, passage, copies, world, found)
        world.report(self.name, total, total)

    def _draws(self, number: int, passage: Passage, copies: int, world: World) -> "Iterator[_Draw]":
        """Which words of a row are replaced in which copy: at least one in each."""
        generator = random.Random(f"{world.seed} {self.name} {number}")
        texts = [
            [spot for spot in spots if part[spot.start : spot.end].lower() not in STOP_WORDS]
            for part, spots in zip(passage.parts, find_all(passage, world.split), strict=True)
        ]
        parts = [part for part, spots in enumerate(texts) if spots]
        if not parts:
            return
        for copy in range(copies):
            # As the other methods do it with pairs: the first, the second or both.
            which = generator.choice([parts[:1], parts[-1:], parts])
            spots = [(part, spot) for part in which for spot in texts[part]]
            drawn = [each for each in spots if generator.random() < self.probability]
            for part, spot in drawn or [generator.choice(spots)]:
                yield _Draw(copy, part, spot, generator.random())

    def _copies(
        self,
        number: int,
        passage: Passage,
        copies: int,
        world: World,
        found: Mapping[str, Mapping[Spot, Sequence[str]]],
    ) -> Iterator[Made]:
        edits: list[list[list[Edit]]] = [[[] for _ in passage.parts] for _ in range(copies)]
        for draw in self._draws(number, passage, copies, world):
            text = passage.parts[draw.part]
            words = found[text][draw.spot]
            if words:
                start, end = draw.spot
                word = written_like(words[int(draw.pick * len(words))], text[start:end])
                edits[draw.copy][draw.part].append(Edit(start, end, word))
        for own in edits:
            if any(own):
                yield edited(number, self.name, passage.parts, own)


class _Draw(NamedTuple):
    """A word that is replaced.

    Attributes:
        copy: In which copy of a row.
        part: In which of its texts.
        spot: Where.
        pick: From 0 to 1, which of the candidates takes its place.
    """

    copy: int
    part: int
    spot: Spot
    pick: float
