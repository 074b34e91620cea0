"""The tokens that generated texts are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from tinybert.base.errors import InputError


@dataclass(frozen=True)
class Vocabulary:
    """Which tokens may begin a word and which may go on with one, and how often.

    Punctuation that is written without a space before it goes on with a word.

    Attributes:
        starts: (vocabulary,), the probability of each token where a word begins.
        inside: (vocabulary,), the same within a word; all 0 where words are never split.

    Example:
        >>> words = Vocabulary(torch.tensor([0.5, 0.5, 0]), torch.tensor([0, 0, 1.0]))
        >>> words.draw(torch.tensor([False, True]), torch.Generator())[1].item()
        2
    """

    starts: Tensor
    inside: Tensor

    def draw(self, inside: Tensor, generator: torch.Generator) -> Tensor:
        """A random token for each place.

        Args:
            inside: Of any shape, whether the place is within a word.
            generator: Of the CPU.

        Returns:
            Token ids in the shape of `inside`.
        """
        count = inside.numel()
        drawn = torch.multinomial(self.starts, count, replacement=True, generator=generator)
        if inside.any():
            pieces = torch.multinomial(self.inside, count, replacement=True, generator=generator)
            drawn = torch.where(inside.flatten(), pieces, drawn)
        return drawn.view(inside.shape)


def read_vocabulary(tokenizer: PreTrainedTokenizerBase, size: int) -> Vocabulary:
    """The tokens that survive being written after a word and read again.

    This leaves out special and unused ones, halves of characters, and what the tokenizer would
    normalise away.

    Args:
        tokenizer: Of the teacher.
        size: Rows of its embedding table, which may be more than the tokenizer knows.

    Raises:
        InputError: No token survives.
    """
    special = set(tokenizer.all_special_ids)
    ids = [token for token in range(min(size, len(tokenizer))) if token not in special]
    word = _long_word(tokenizer, ids)
    written = _write(tokenizer, [[word, token] for token in ids])
    begun = len(_write(tokenizer, [[word]])[0])
    read = tokenizer(written, add_special_tokens=False)["input_ids"]
    starts: dict[int, str] = {}
    inside: dict[int, str] = {}
    for token, text, tokens in zip(ids, written, read, strict=True):
        rest = text[begun:]
        if tokens == [word, token] and rest.isprintable() and rest.strip():
            (starts if rest.startswith(" ") else inside)[token] = rest.strip()
    if not starts:
        raise InputError("generate: the teacher's tokenizer can't read any word that it writes")
    return Vocabulary(_frequencies(starts, size), _frequencies(inside, size))


def _long_word(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> int:
    """The longest token that is a word: what follows it won't make another token with it."""
    pieces = tokenizer.convert_ids_to_tokens(list(ids))
    for _, token in sorted(zip(map(len, pieces), ids, strict=True), reverse=True):
        text = _write(tokenizer, [[token]])[0]
        if text.strip().isalpha() and tokenizer.encode(text, add_special_tokens=False) == [token]:
            return token
    raise InputError("generate: the teacher's tokenizer can't read any word that it writes")


def _write(tokenizer: PreTrainedTokenizerBase, rows: list[list[int]]) -> list[str]:
    return tokenizer.batch_decode(rows, clean_up_tokenization_spaces=False)


def _frequencies(words: Mapping[int, str], size: int) -> Tensor:
    """Probabilities, (size,), by Zipf's law in Mandelbrot's form, 1 / (rank + 2.7).

    The rank is the place in the vocabulary: vocabularies are written from frequent to rare (the
    rank correlation of place and frequency is 0.7 for BERT's words on Wikipedia). But they often
    begin with the characters, by code point; these share what is due to their number.

    Args:
        words: What each token spells, in the order of the vocabulary.
        size: Of the vocabulary.
    """
    weights = torch.zeros(size)
    for single in (True, False):
        tokens = [token for token, word in words.items() if (len(word) == 1) == single]
        zipf = 1 / (torch.arange(1, len(tokens) + 1) + 2.7)
        weights[tokens] = zipf / zipf.sum() * len(tokens) / len(words)
    return weights
