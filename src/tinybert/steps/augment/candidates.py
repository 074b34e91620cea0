"""What words may stand in places of texts, by a masked-LM: for many texts and words at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tinybert.base.errors import InputError
from tinybert.modeling.load import forget_last_call, load_masked_lm, load_tokenizer, masked_lm_head
from tinybert.runtime.config import max_positions
from tinybert.steps.augment.spots import Spot
from tinybert.steps.augment.whole_words import whole_words
from tinybert.training.precision import native_bf16

BATCH_TOKENS = 2048
"""Tokens of a forward pass, padding too: more are no faster on CPUs, and pad more."""

LONGEST = 512
"""Tokens that a text is cut to, where the model does not say less; words beyond stay."""

_CHUNK = 1024
"""Texts tokenized at once."""


class Settings(Protocol):
    """How candidates are sought."""

    @property
    def candidates(self) -> int:
        """How many."""
        ...

    @property
    def at_once(self) -> float:
        """Share of a text's tokens that are masked in one pass."""
        ...

    @property
    def bf16(self) -> object:
        """Whether to run in bfloat16, or "auto"."""
        ...


class _Copy(NamedTuple):
    """A text with words masked.

    Attributes:
        ids: Its tokens, special ones too.
        places: Those that are masked.
        keys: Which of the candidates wanted each is for.
    """

    ids: Sequence[int]
    places: Sequence[int]
    keys: Sequence[int]


@dataclass
class Candidates:
    """A masked-LM that is asked for words.

    The projection to the vocabulary, which is half of a small model's work, is done at masked
    places alone. Copies of all texts that have about as many tokens are run together.

    Attributes:
        model: With a masked-LM head, in eval mode.
        tokenizer: Its own.
        count: Candidates a word.
        at_once: Share of a text's tokens that are masked in one pass; 0 for one word.
        batch_tokens: As `BATCH_TOKENS`.

    Example:
        >>> model = Candidates.load(Path("bert-base"), MaskedLMMethod())  # doctest: +SKIP
        >>> model.find({"a good film": [Spot(2, 6)]})  # doctest: +SKIP
        {'a good film': {Spot(start=2, end=6): ['great', 'new', ...]}}
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    count: int = 15
    at_once: float = 0.15
    batch_tokens: int = BATCH_TOKENS

    @classmethod
    def load(cls, folder: Path, settings: Settings) -> "Candidates":
        """Loads a model.

        Raises:
            InputError: It has no masked-LM head that can be used, or its tokenizer no mask.
        """
        model = load_masked_lm(folder)
        masked_lm_head(model)
        tokenizer = load_tokenizer(folder)
        if tokenizer.mask_token_id is None:
            raise InputError(f"{folder}: its tokenizer has no mask token")
        if native_bf16() if settings.bf16 == "auto" else settings.bf16:
            model = model.to(torch.bfloat16)  # type: ignore[arg-type]
        if torch.cuda.is_available():
            model = model.to("cuda")  # type: ignore[arg-type]
        return cls(model, tokenizer, settings.candidates, settings.at_once)

    @cached_property
    def _words(self) -> dict[int, str]:
        """The words of one piece, by id."""
        return whole_words(self.tokenizer, self._table.shape[0])

    @cached_property
    def _table(self) -> Tensor:
        return self.model.get_input_embeddings().weight  # type: ignore[return-value]

    @cached_property
    def _no_words(self) -> Tensor:
        """(vocabulary,), what is added to logits so that only whole words are candidates."""
        mask = torch.full((self._table.shape[0],), -torch.inf)
        mask[list(self._words)] = 0
        return mask.to(self.model.device)

    @torch.no_grad()
    def find(
        self,
        wanted: Mapping[str, Sequence[Spot]],
        report: Callable[[float], None] = lambda _: None,
    ) -> dict[str, dict[Spot, list[str]]]:
        """Words that may stand in each place, the likeliest first, never the one that stands there.

        Args:
            wanted: The places of each text that words are sought for.
            report: Called with the share of the work that is done.

        Returns:
            Words for each place; none where the text was cut before it.
        """
        found: dict[str, dict[Spot, list[str]]] = {
            text: {spot: [] for spot in spots} for text, spots in wanted.items()
        }
        keys: list[tuple[str, Spot]] = []
        pieces: dict[tuple[int, ...], list[tuple[str, Spot]]] = {}
        copies: list[_Copy] = []
        for text, spots, encoding in self._encoded(wanted):
            single: list[tuple[int, int]] = []
            for spot in spots:
                tokens = _tokens(encoding, text, spot)
                if len(tokens) == 1:
                    single.append((tokens[0], len(keys)))
                    keys.append((text, spot))
                elif tokens:
                    ids = tuple(encoding.ids[token] for token in tokens)
                    pieces.setdefault(ids, []).append((text, spot))
            copies += self._copies(encoding.ids, single)
        for own, likeliest in self._run(copies, report):
            for key, words in zip(own, likeliest, strict=True):
                text, spot = keys[key]
                found[text][spot] = self._spelled(words, text[spot.start : spot.end])
        for where, words in zip(pieces.values(), self._neighbours(list(pieces)), strict=True):
            for text, spot in where:
                found[text][spot] = self._spelled(words, text[spot.start : spot.end])
        return found

    def _encoded(
        self, wanted: Mapping[str, Sequence[Spot]]
    ) -> Iterator[tuple[str, Sequence[Spot], Any]]:
        config = self.model.config.to_dict()
        longest = min(max_positions(config) or LONGEST, LONGEST)
        forget_last_call(self.tokenizer)
        texts = list(wanted)
        for start in range(0, len(texts), _CHUNK):
            some = texts[start : start + _CHUNK]
            encodings = self.tokenizer(some, truncation=True, max_length=longest).encodings
            assert encodings is not None, "the tokenizer is a fast one"
            for text, encoding in zip(some, encodings, strict=True):
                yield text, wanted[text], encoding

    def _copies(self, ids: list[int], places: Sequence[tuple[int, int]]) -> Iterator[_Copy]:
        """A text as often as its words have to be masked apart, those of a copy far from another.

        Args:
            ids: Of its tokens.
            places: The tokens to mask, in order, each with its key.
        """
        together = max(1, round(self.at_once * len(ids)))  # as BERT's pretraining rounds
        count = -(-len(places) // together)
        for first in range(count):
            own = places[first::count]
            yield _Copy(ids, [place for place, _ in own], [key for _, key in own])

    def _run(
        self, copies: list[_Copy], report: Callable[[float], None]
    ) -> Iterator[tuple[list[int], list[list[int]]]]:
        """The keys of each batch, and the ids of their candidates."""
        head = masked_lm_head(self.model).eval()
        copies = sorted(copies, key=lambda copy: len(copy.ids), reverse=True)
        start = 0
        while start < len(copies):
            most = max(1, self.batch_tokens // len(copies[start].ids))
            batch = copies[start : start + most]
            start += len(batch)
            yield [key for copy in batch for key in copy.keys], self._likeliest(batch, head)
            report(start / len(copies))

    def _likeliest(self, batch: Sequence[_Copy], head: nn.Module) -> list[list[int]]:
        """The ids of the words that are likeliest at each masked place of a batch."""
        device, length = self.model.device, len(batch[0].ids)
        pad = self.tokenizer.pad_token_id or 0
        ids = torch.tensor([[*copy.ids, *[pad] * (length - len(copy.ids))] for copy in batch])
        lengths = torch.tensor([len(copy.ids) for copy in batch])
        rows = torch.tensor([row for row, copy in enumerate(batch) for _ in copy.places])
        places = torch.tensor([place for copy in batch for place in copy.places])
        own = ids[rows, places]
        ids[rows, places] = self.tokenizer.mask_token_id
        mask = (torch.arange(length) < lengths[:, None]).long()
        states = self.model.base_model(
            input_ids=ids.to(device), attention_mask=mask.to(device)
        ).last_hidden_state
        logits = head(states[rows.to(device), places.to(device)]).float() + self._no_words
        logits.scatter_(1, own[:, None].to(device), -torch.inf)
        return _best(logits, self.count)

    def _neighbours(self, words: Sequence[tuple[int, ...]]) -> Iterator[list[int]]:
        """The ids of the words whose embeddings are nearest to the mean of some pieces."""
        if not words:
            return
        ids = torch.tensor(list(self._words), device=self._table.device)
        whole = nn.functional.normalize(self._table[ids].float(), dim=1)
        for start in range(0, len(words), _CHUNK):
            some = words[start : start + _CHUNK]
            means = torch.stack([self._table[list(pieces)].float().mean(0) for pieces in some])
            nearest = _best(nn.functional.normalize(means, dim=1) @ whole.T, self.count)
            yield from ([int(ids[place]) for place in places] for places in nearest)

    def _spelled(self, ids: Sequence[int], own: str) -> list[str]:
        words = dict.fromkeys(self._words[id_] for id_ in ids)
        return [word for word in words if word.casefold() != own.casefold()]


def _best(scores: Tensor, count: int) -> list[list[int]]:
    """The places of the highest scores of each row, but none that is left out."""
    best = scores.topk(min(count, scores.shape[1]))
    rows = zip(best.values.tolist(), best.indices.tolist(), strict=True)
    return [
        [place for value, place in zip(values, places, strict=True) if value > -torch.inf]
        for values, places in rows
    ]


def _tokens(encoding: Any, text: str, spot: Spot) -> list[int]:
    """The tokens that a word is of; none where the text was cut before its end."""
    first, last = encoding.char_to_token(spot.start), encoding.char_to_token(spot.end - 1)
    if first is None or last is None:
        return []
    start, end = encoding.offsets[first][0], encoding.offsets[last][1]
    if text[start:end].strip() != text[spot.start : spot.end]:
        return []  # a piece of more than this word, as in scripts without blanks
    return [*range(first, last + 1)]
