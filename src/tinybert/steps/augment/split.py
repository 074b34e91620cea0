"""Texts as words: what blanks part and, in scripts written without, what the tokenizer parts.

BERT's tokenizers part Chinese characters, SentencePiece has words of every script that it was
trained on; a WordPiece tokenizer takes a Thai sentence for one word.
"""

import itertools
import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from tinybert.base.errors import InputError
from tinybert.tasks.task import Text, text_parts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_UNSPACED = re.compile(
    "["
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Tibetan; Burmese; Khmer
    "\u2e80-\u2fdf\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff\uff66-\uff9f"  # Kana, Bopomofo
    "\u3001-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"  # their punctuation
    "]"
)
"""A character of a script that puts no blanks between words."""

LONGEST_WORD = 12
"""Characters of such a script; more are taken for several words that were not parted."""


class Splitter(Protocol):
    """What parts texts into words.

    Attributes:
        advice: What to do where words can't be told apart.
    """

    advice: str

    def __call__(self, text: str) -> list[str]:
        """The words in order, as they stand in the text."""
        ...

    def knows_words(self, text: str) -> bool:
        """Whether most of a text is in words rather than in whole sentences without blanks."""
        ...


class BlankSplitter:
    """Splits texts at their blanks, where no tokenizer is at hand.

    Example:
        >>> split = BlankSplitter()
        >>> split("a good film"), split.knows_words("这部电影很好我很喜欢它的演员")
        (['a', 'good', 'film'], False)
    """

    advice = "name a model by --model whose tokenizer parts them, or put blanks between the words"

    def __call__(self, text: str) -> list[str]:
        """What blanks part."""
        return text.split()

    def knows_words(self, text: str) -> bool:
        """Whether most of a text is in words rather than in whole sentences without blanks."""
        return _in_words(text.split())


class WordSplitter:
    """Splits texts into words.

    Args:
        tokenizer: Of the model that is to read the texts.

    Example:
        >>> WordSplitter(tokenizer)("a good film, 好电影")  # doctest: +SKIP
        ['a', 'good', 'film,', '好', '电', '影']
    """

    advice = "leave `augment` out, or put blanks between the words"

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        from tokenizers.models import Unigram

        from tinybert.modeling.load import forget_last_call

        forget_last_call(tokenizer)
        self._tokenizer = tokenizer.backend_tokenizer
        # SentencePiece's words are what blanks part; its pieces are words of these scripts.
        self._by_piece = isinstance(self._tokenizer.model, Unigram)

    def __call__(self, text: str) -> list[str]:
        """The words in order, as they stand in the text."""
        return [word for chunk in text.split() for word in self._words(chunk)]

    def knows_words(self, text: str) -> bool:
        """Whether most of a text is in words rather than in whole sentences without blanks."""
        return _in_words(self(text))

    def _words(self, chunk: str) -> list[str]:
        if not _UNSPACED.search(chunk):
            return [chunk]
        encoding = self._tokenizer.encode(chunk, add_special_tokens=False)
        groups = range(len(encoding)) if self._by_piece else encoding.word_ids
        starts: dict[int | None, int] = {}
        for group, (start, _) in zip(groups, encoding.offsets, strict=True):
            starts.setdefault(group, start)
        cuts = sorted(start for start in {*starts.values()} if _may_cut(chunk, start))
        return [chunk[start:end] for start, end in itertools.pairwise([0, *cuts, len(chunk)])]


def _in_words(words: Sequence[str]) -> bool:
    sizes = [len(_UNSPACED.findall(word)) for word in words]
    return 2 * sum(size for size in sizes if size > LONGEST_WORD) <= sum(sizes)


def join_words(words: Sequence[str]) -> str:
    """Words as a text: with blanks, except where characters of scripts without blanks meet.

    Example:
        >>> join_words(["a", "good", "film,"]), join_words(["很", "好", "!", "Python", "吗"])
        ('a good film,', '很好! Python 吗')
    """
    text = words[0] if words else ""
    for before, word in itertools.pairwise(words):
        text += word if _touch(before[-1], word[0]) else f" {word}"
    return text


def changeable(texts: Sequence[Text], split: Splitter) -> list[Text]:
    """The texts whose words are known, so that one of them can be changed.

    Args:
        texts: Sentences or pairs.
        split: Splits them.

    Raises:
        InputError: Those are less than half of the texts.
    """
    kept = [text for text in texts if all(map(split.knows_words, text_parts(text)))]
    if 2 * len(kept) < len(texts):
        raise InputError(
            f"{len(texts) - len(kept)} of {len(texts)} texts are in a script without blanks, whose "
            f"words this tokenizer can't tell apart (as Thai with WordPiece); {split.advice}"
        )
    return kept


def is_unspaced(character: str) -> bool:
    """Whether a character is of a script that puts no blanks between words."""
    return bool(_UNSPACED.match(character))


def _may_cut(chunk: str, at: int) -> bool:
    """Whether a word may begin at a place: not at its start, within a letter, or a spaced word."""
    if not 0 < at < len(chunk) or unicodedata.category(chunk[at]).startswith("M"):
        return False
    return not (_is_spaced_letter(chunk[at - 1]) and _is_spaced_letter(chunk[at]))


def _touch(last: str, first: str) -> bool:
    unspaced = _UNSPACED.match(last) or _UNSPACED.match(first)
    return bool(unspaced) and not (_is_spaced_letter(last) or _is_spaced_letter(first))


def _is_spaced_letter(character: str) -> bool:
    return character.isalnum() and not _UNSPACED.match(character)
