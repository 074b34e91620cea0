"""Texts to token ids, the same way for every runtime and for PyTorch."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from tinybert.base.errors import InputError, said, short
from tinybert.runtime.config import max_length
from tinybert.runtime.panics import panics_as_errors, quiet_panics
from tinybert.runtime.published import PublishedFiles
from tinybert.runtime.tables import Tables
from tinybert.runtime.tokenizer_settings import honour
from tinybert.runtime.windows import check_first_texts
from tinybert.tasks.rows import Examples, Text

Features = dict[str, NDArray[np.int64]]
"""input_ids, attention_mask and token_type_ids, each (batch, length)."""


TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")

FEATURES = ("input_ids", "attention_mask", "token_type_ids")


def check_inputs(path: Path, names: Sequence[str]) -> None:
    """Refuses a graph that wants what texts don't give.

    Raises:
        InputError: It does.
    """
    if unknown := [name for name in names if name not in FEATURES]:
        raise InputError(
            f"{path}: the graph wants {', '.join(unknown)}; texts give {', '.join(FEATURES)}"
        )


class TextEncoder:
    """Tokenizes sentences and pairs, cuts them to a length and pads them into batches.

    Args:
        tokenizer: Its stored truncation and padding are replaced by this class's own.
        max_length: Tokens a row, special tokens included; the longer text of a pair is cut
            first. None cuts nothing.
        pad_id: The token that fills short rows.
        truncation_side: The end, "left" or "right", at which long texts are cut.
        name: What the tokenizer was read from, for messages.
        tables: Of the model, in which every id must have a row; None checks nothing.

    Raises:
        InputError: The length leaves no room for text.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        max_length: int | None,
        pad_id: int = 0,
        truncation_side: str = "right",
        name: str = "the tokenizer",
        tables: Tables | None = None,
    ) -> None:
        self.max_length = max_length
        self._name = name
        self._tables = tables
        self._pad_id = pad_id
        self._tokenizer = tokenizer
        tokenizer.no_padding()
        if max_length is None:
            tokenizer.no_truncation()
        elif max_length <= tokenizer.num_special_tokens_to_add(is_pair=False):
            raise InputError(f"{name}: texts are cut to {max_length} tokens: no room for text")
        self._truncation_side = truncation_side
        self._overlap, self._of_second = 0, False
        self.keep_windows(overlap=0)
        self.check_tables(pair=False)

    def keep_windows(self, overlap: int, of_second: bool = False) -> None:
        """From now on the windows in `overflowing`, of what did not fit, share tokens.

        Args:
            overlap: Tokens that neighbouring windows share; less than fit beside special ones.
            of_second: Whether they are of the second text of a pair alone, each behind the whole
                first one; else the longer text is cut.
        """
        self._overlap, self._of_second = overlap, of_second
        if self.max_length is not None:
            self._tokenizer.enable_truncation(
                self.max_length,
                strategy="only_second" if of_second else "longest_first",
                direction=self._truncation_side,
                stride=overlap,
            )

    def check_tables(self, *, pair: bool) -> None:
        """Fails now rather than at the first text with an id that the model has no row for.

        Raises:
            InputError: There may be such a text.
        """
        if self._tables is not None:
            self._tables.check(self._tokenizer, pad_id=self._pad_id, pair=pair)

    @classmethod
    def from_folder(
        cls,
        folder: Path,
        config: Mapping[str, Any],
        inputs: Sequence[str] = FEATURES,
        files: PublishedFiles | None = None,
    ) -> "TextEncoder":
        """Reads tokenizer.json and, where there is one, tokenizer_config.json.

        Args:
            folder: Where the two files are.
            config: The model's config.json, for its positions, its tables and its padding id.
            inputs: The features that the model takes.
            files: What was published there when the config was read; None for what is now.

        Raises:
            InputError: A file is missing or broken.
        """
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise InputError(f"{path}: there is no such file, and texts need it")
        files = files or PublishedFiles.around(folder)
        content = files.read(path)
        try:
            with quiet_panics():
                tokenizer = Tokenizer.from_buffer(content)
                for text in ("a", ("a", "b")):  # some panic at any text; what else fails shows then
                    with contextlib.suppress(Exception):
                        tokenizer.encode_batch([text])
        except Exception as error:  # tokenizers raises nothing narrower
            raise InputError(f"{path}: not readable as a tokenizer ({said(error)})") from None
        settings_path = folder / "tokenizer_config.json"
        settings = files.read_object(settings_path) if files.has(settings_path) else {}
        try:
            honour(tokenizer, settings, config, settings_path)
        except InputError:
            raise
        except Exception as error:  # tokenizers', of values of the wrong kind
            raise InputError(f"{settings_path}: can't be honoured ({said(error)})") from None
        return cls(
            tokenizer,
            name=str(path),
            max_length=max_length(config, settings.get("model_max_length")),
            pad_id=_pad_id(tokenizer, settings, config),
            truncation_side=_truncation_side(settings, settings_path),
            tables=Tables.of_config(config, str(folder), takes_types=FEATURES[2] in inputs),
        )

    @property
    def joins_pairs(self) -> bool:
        """Whether two texts become one input with a token between them."""
        special = self._tokenizer.num_special_tokens_to_add
        return special(True) > special(False)

    def encode(self, texts: Sequence[Text]) -> list[Encoding]:
        """Tokenizes and cuts each text, without padding.

        Raises:
            InputError: Something is neither a string nor a pair of strings, or is no valid Unicode.
        """
        for number, text in enumerate(texts, start=1):
            _check(text, f"text {number}")
        try:
            with panics_as_errors():
                return self._tokenizer.encode_batch(list(texts))
        except Exception as error:  # such as a word that is unknown to one without [UNK]
            if self._of_second and self.max_length is not None:
                copy = Tokenizer.from_str(self._tokenizer.to_str())  # others may use this one now
                rows = Examples.of_texts(texts, None, self._name)
                check_first_texts(copy, rows, self.max_length, self._overlap)
            raise InputError(f"{self._name}: its tokenizer fails ({said(error)})") from None

    def decode(self, ids: Sequence[int]) -> str:
        """The text of some tokens, without special ones."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def batch(self, encodings: Sequence[Encoding]) -> Features:
        """Pads rows to the longest of them."""
        shape = (len(encodings), max(len(encoding) for encoding in encodings))
        ids = np.full(shape, self._pad_id, dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        types = np.zeros(shape, dtype=np.int64)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding)] = encoding.ids
            mask[row, : len(encoding)] = 1
            types[row, : len(encoding)] = encoding.type_ids
        if self._tables is not None:
            self._tables.check_ids(int(ids.max(initial=0)), int(types.max(initial=0)))
        return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}


def _check(text: Text, name: str) -> None:
    parts = text if isinstance(text, tuple) and len(text) == 2 else (text,)
    for part in parts:
        if not isinstance(part, str):
            raise InputError(f"{name}: neither a string nor a pair of strings: {short(text)}")
        try:
            part.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"{name}: no valid Unicode ({error})") from None


def _truncation_side(settings: Mapping[str, Any], path: Path) -> str:
    side = settings.get("truncation_side") or "right"
    if side not in ("left", "right"):
        raise InputError(f"{path}: truncation_side is {short(side)}; expected 'left' or 'right'")
    return str(side)


def _pad_id(tokenizer: Tokenizer, settings: Mapping[str, Any], config: Mapping[str, Any]) -> int:
    token = settings.get("pad_token")
    if isinstance(token, dict):  # how older tokenizers wrote a special token
        token = token.get("content")
    known = tokenizer.token_to_id(token) if isinstance(token, str) else None
    return int(known if known is not None else config.get("pad_token_id") or 0)
