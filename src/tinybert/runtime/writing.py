"""How texts go on: token by token, the likeliest one or one that is drawn."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError, short

Past = Any
"""What a runtime keeps of the tokens that it has read."""


class Reader(Protocol):
    """Reads tokens, and says what may come next."""

    def read(self, ids: NDArray[np.int64], past: Past) -> tuple[NDArray[np.float32], Past]:
        """Reads all tokens of a text so far.

        Args:
            ids: (length,), all of them.
            past: What it gave the last time; None at first.

        Returns:
            (vocabulary,), the logits of what comes next, and what to give the next time.
        """
        ...


@dataclass(frozen=True)
class Writing:
    """How a text goes on.

    Attributes:
        max_new_tokens: The most tokens; fewer where the model says that the text ends, or takes no
            more.
        temperature: Divides logits before a token is drawn; 0, the default, takes the likeliest.
        top_k: Only so many of the likeliest tokens are drawn from; None: all.
        top_p: Only the likeliest that have this share together; None: all.
        seed: Of the draws. A text goes on the same way whatever stands beside it.

    Raises:
        InputError: A value is impossible, or has no effect.

    Example:
        >>> Writing(temperature=0.8, top_p=0.9).top_k is None
        True
        >>> Writing(top_k=5)
        Traceback (most recent call last):
        tinybert.base.errors.InputError: top_k has no effect: nothing is drawn at temperature 0; \
set temperature
    """

    max_new_tokens: int = 64
    temperature: float = 0.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        for name, lowest in (("max_new_tokens", 1), ("top_k", 1), ("seed", 0)):
            value = getattr(self, name)
            if value is not None and not (type(value) is int and value >= lowest):
                raise InputError(
                    f"{name}: expected a whole number from {lowest} on, got {short(value)}"
                )
        if not _is_number(self.temperature) or self.temperature < 0:
            raise InputError(f"temperature: expected 0 or more, got {short(self.temperature)}")
        if self.top_p is not None and not (_is_number(self.top_p) and 0 < self.top_p <= 1):
            raise InputError(f"top_p: expected a share above 0, up to 1, got {short(self.top_p)}")
        for name in ("top_k", "top_p", "seed"):
            if not self.temperature and getattr(self, name) is not None:
                raise InputError(
                    f"{name} has no effect: nothing is drawn at temperature 0; set temperature"
                )

    def tokens(
        self, reader: Reader, ids: NDArray[np.int64], most: int, ends: frozenset[int]
    ) -> Iterator[int]:
        """The tokens that follow.

        Args:
            reader: The model.
            ids: (length,), those that are there; one at least.
            most: Tokens of the whole text that the model takes.
            ends: Tokens that end a text, which are not given.
        """
        generator = np.random.default_rng(self.seed or 0)
        past: Past = None
        for _ in range(min(self.max_new_tokens, most - len(ids))):
            logits, past = reader.read(ids, past)
            token = self.choose(logits, generator)
            if token in ends:
                return
            yield token
            ids = np.append(ids, token)

    def choose(self, logits: NDArray[np.float32], generator: np.random.Generator) -> int:
        """The next token.

        Args:
            logits: (vocabulary,).
            generator: Draws it, at a temperature.

        Example:
            >>> Writing().choose(np.float32([0, 3, 1]), np.random.default_rng(0))
            1
        """
        if not self.temperature:
            return int(logits.argmax())
        scores = (logits.astype(np.float64) - logits.max()) / self.temperature
        order = np.argsort(-scores, kind="stable")[: self.top_k]
        shares = np.exp(scores[order] - scores[order[0]])
        shares /= shares.sum()
        if self.top_p is not None:  # the likeliest one stays in any case
            before = np.cumsum(shares) - shares
            order, shares = order[before < self.top_p], shares[before < self.top_p]
            shares /= shares.sum()
        return int(generator.choice(order, p=shares))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and bool(np.isfinite(value))
