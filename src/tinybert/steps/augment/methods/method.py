"""What every way to change texts is: its settings, and what it makes of rows."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from tinybert.base.progress import Progress, ProgressCallback, silent
from tinybert.steps.augment.knowledge import Knowledge
from tinybert.steps.augment.passages import Made, Passage
from tinybert.steps.augment.split import Splitter
from tinybert.training.section import Config

NO_KNOWLEDGE = Knowledge()
"""Everything may change."""


@dataclass(frozen=True)
class World:
    """What a method is given beside the rows.

    Attributes:
        split: Parts texts into words.
        seed: Of everything random.
        model: Path or hub id of the recipe's teacher, as it was given; None where there is none.
        knowledge: What must not change. What a method makes is checked by it too.
        progress: Called as the work goes on.
    """

    split: Splitter
    seed: int = 0
    model: str | None = None
    knowledge: Knowledge = NO_KNOWLEDGE
    progress: ProgressCallback = silent

    def generator(self, method: str) -> random.Random:
        """The random numbers of a method, whichever others there are."""
        return random.Random(f"{self.seed} {method}")

    def report(self, method: str, done: int, total: int) -> None:
        """Says how far a method is."""
        self.progress(Progress(method, done, max(total, 1)))


class Method(Config):
    """The settings of a way to change texts, which do it.

    A new one is a file with a subclass of this, and a line in `METHODS`. Settings are read without
    PyTorch: what needs it is imported where it is used.

    Attributes:
        name: What a recipe calls it.
        usual_copies: Changed texts that it makes of each, where nobody says how many.
        replaces: Whether it can replace words where they stand, so that labels of words keep
            their places.
    """

    name: ClassVar[str]
    usual_copies: ClassVar[int]
    replaces: ClassVar[bool] = True

    @classmethod
    def key(cls) -> str:
        """The key of its settings in a recipe.

        Example:
            >>> from tinybert.steps.augment.methods.registry import METHODS
            >>> METHODS["masked-lm"].key()
            'masked_lm'
        """
        return cls.name.replace("-", "_")

    def read(self, model: str | None) -> list[str]:
        """Checks what it reads beside its settings, and gives hashes of that.

        Args:
            model: Path or hub id of the recipe's teacher; None where there is none.

        Raises:
            InputError: Something is missing.
        """
        return []

    def make(self, passages: Sequence[Passage], copies: int, world: World) -> Iterator[Made]:
        """Changed rows.

        Args:
            passages: The rows; of those `in_place` words are only replaced where they stand.
            copies: How many to make of each; some may come out as others, or can't be made.
            world: Beside the rows.

        Raises:
            InputError: Nothing can be made of these rows.
        """
        raise NotImplementedError
