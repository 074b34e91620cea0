"""Do the ids that a tokenizer gives have a row in the model's tables?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tokenizers import Tokenizer

from tinybert.base.errors import InputError


@dataclass(frozen=True)
class Tables:
    """The rows of a model's embedding tables.

    Attributes:
        tokens: Of the table of tokens; None where it isn't known.
        types: Of the table of types; None where the model has none or is given no types.
        source: The model, for messages.
    """

    tokens: int | None
    types: int | None
    source: str

    @classmethod
    def of_config(cls, config: Mapping[str, Any], source: str, *, takes_types: bool) -> "Tables":
        """The tables that a config.json describes.

        Example:
            >>> config = {"vocab_size": 100, "type_vocab_size": 2}
            >>> Tables.of_config(config, "out", takes_types=False)
            Tables(tokens=100, types=None, source='out')
        """
        sizes = [config.get(name) for name in ("vocab_size", "type_vocab_size")]
        tokens, types = (size if isinstance(size, int) and size > 0 else None for size in sizes)
        return cls(tokens, types if takes_types else None, source)

    def check(self, tokenizer: Tokenizer, *, pad_id: int = 0, pair: bool = False) -> None:
        """Refuses a tokenizer with ids beyond the tables, before the one text that has them.

        Args:
            tokenizer: Its ids are taken to have no gaps, added tokens aside.
            pad_id: What fills short rows.
            pair: Whether texts are pairs.

        Raises:
            InputError: It has such ids.
        """
        added = tokenizer.get_added_tokens_decoder()
        largest = tokenizer.get_vocab_size(with_added_tokens=False) - 1
        self.check_ids(max([pad_id, largest, *added]), max(_types(tokenizer, pair), default=0))

    def check_ids(self, token: int, type_id: int) -> None:
        """Refuses ids beyond the tables.

        Raises:
            InputError: The largest token or type has no row.

        Example:
            >>> Tables(100, 1, "out").check_ids(99, 0)
            >>> Tables(100, 1, "out").check_ids(100, 0)
            Traceback (most recent call last):
            tinybert.base.errors.InputError: out: its tokenizer gives ids up to 100, and its \
table of tokens has 100 rows; give it more: model.resize_token_embeddings(101), and save it
        """
        if self.tokens is not None and token >= self.tokens:
            raise InputError(
                f"{self.source}: its tokenizer gives ids up to {token}, and its table of tokens "
                f"has {self.tokens} rows; give it more: model.resize_token_embeddings("
                f"{token + 1}), and save it"
            )
        if self.types is not None and type_id >= self.types:
            raise InputError(
                f"{self.source}: its tokenizer gives the second text of a pair the type {type_id}, "
                f"and its table of types has {'1 row' if self.types == 1 else self.types}; take a "
                "model that was made for pairs, or a tokenizer that tells no types apart"
            )


def _types(tokenizer: Tokenizer, pair: bool) -> list[int]:
    sample = ("a", "a") if pair else ("a",)
    try:
        return list(tokenizer.encode(*sample).type_ids)
    except Exception:  # one without an unknown token fails at words that it lacks
        return []
