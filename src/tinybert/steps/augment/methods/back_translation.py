"""Texts translated to another language and back, by two models."""

import logging
from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import Field

from tinybert.base.errors import InputError, placed
from tinybert.steps.augment.methods.method import Method, World
from tinybert.steps.augment.passages import Made, Passage

logger = logging.getLogger(__name__)


class BackTranslationMethod(Method):
    """Writes texts anew, as two translation models of Hugging Face say them, there and back.

    Both ways are sampled, as UDA does it (arXiv:1904.12848), so that copies differ.
    """

    name: ClassVar[str] = "back-translation"
    usual_copies: ClassVar[int] = 1
    replaces: ClassVar[bool] = False

    there: str | None = Field(
        None, description="path or hub id of the model to another language, such as Marian's"
    )
    back: str | None = Field(None, description="path or hub id of the model from there back")
    there_prefix: str = Field(
        "", description="what the first model wants before a text, such as T5's `translate ...: `"
    )
    back_prefix: str = Field("", description="the same of the second")
    temperature: float = Field(
        0.9, ge=0, description="of sampling; 0 takes the likeliest words, so that copies are alike"
    )
    longest: int = Field(
        256, gt=0, description="tokens of a text and its translation; longer ones are left out"
    )
    batch_size: int = Field(32, gt=0, description="texts translated at a time, of like length")

    def read(self, model: str | None) -> list[str]:
        """Checks both models; hashes them."""
        from tinybert.modeling.hub import find_folder, hash_model
        from tinybert.steps.augment.translation import Translator

        hashes = []
        for key in ("there", "back"):
            name = getattr(self, key)
            with placed(key):
                if name is None:
                    raise InputError(
                        "is missing: name two translation models, back_translation: {there: ..., "
                        "back: ...}"
                    )
                folder = find_folder(name)
                Translator.load(folder)
                hashes.append(hash_model(folder))
        return hashes

    def make(self, passages: Sequence[Passage], copies: int, world: World) -> Iterator[Made]:
        """Texts that came back; of a pair the first, the second or both."""
        from tinybert.modeling.hub import find_folder
        from tinybert.steps.augment.translation import Translator

        generator = world.generator(self.name)
        jobs = [
            (
                number,
                generator.choice([(0,), (len(passage.parts) - 1,), (*range(len(passage.parts)),)]),
            )
            for number, passage in enumerate(passages)
            for _ in range(copies)
        ]
        texts: list[str | None] = [
            passages[number].parts[part] for number, parts in jobs for part in parts
        ]
        given = len(texts)
        for done, (name, prefix) in enumerate(
            ((self.there, self.there_prefix), (self.back, self.back_prefix))
        ):
            assert name is not None, "as `read` checks"
            translator = Translator.load(
                find_folder(name), prefix, self.temperature, self.longest, self.batch_size
            )
            texts = translator(
                texts,
                seed=world.seed + done,
                report=lambda share, done=done: world.report(  # type: ignore[misc]
                    self.name, int((done + share) * given), 2 * given
                ),
            )
        if lost := sum(text is None for text in texts):
            logger.warning(
                "augment: %d of %d texts are not translated: they, or their translations, are "
                "longer than back_translation.longest, %d tokens",
                lost,
                given,
                self.longest,
            )
        found = iter(texts)
        for number, parts in jobs:
            after = list(passages[number].parts)
            translated = [(part, next(found)) for part in parts]
            for part, text in translated:
                after[part] = text or ""
            if all(after):
                yield Made(number, self.name, tuple(after))
