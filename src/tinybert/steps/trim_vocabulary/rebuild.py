"""A tokenizer with part of its pieces."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import PretrainedConfig, PreTrainedTokenizerBase

from tinybert.base.errors import InputError
from tinybert.base.files import write_json
from tinybert.modeling.load import forget_last_call, load_tokenizer


def read_document(tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """The content of a fast tokenizer's tokenizer.json, its truncation and padding left out."""
    forget_last_call(tokenizer)
    document: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    return document


def rebuild(
    tokenizer: PreTrainedTokenizerBase, document: Mapping[str, Any], config: PretrainedConfig
) -> PreTrainedTokenizerBase:
    """A tokenizer of the same class and settings with another tokenizer.json.

    Args:
        tokenizer: Stays as it is.
        document: The content of tokenizer.json.
        config: The model's: Transformers chooses the class by its type too.

    Raises:
        InputError: Transformers makes other ids of the document than it says.
    """
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        config.save_pretrained(folder)
        write_json(Path(folder) / "tokenizer.json", document)
        rebuilt = load_tokenizer(Path(folder))
    rebuilt.name_or_path = tokenizer.name_or_path
    if read_document(rebuilt) != document:
        raise InputError(
            f"{type(tokenizer).__name__} can't be trimmed: it builds its vocabulary anew"
        )
    return rebuilt
