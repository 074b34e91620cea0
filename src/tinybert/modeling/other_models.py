"""Models that a recipe names beside its teacher: whether they read the same tokens."""

import json
from collections.abc import Sequence
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from tinybert.base.errors import InputError
from tinybert.modeling.load import load_tokenizer
from tinybert.runtime.config import read_config
from tinybert.runtime.tables import Tables


def has_tokenizer(folder: Path) -> bool:
    """Whether a folder has one: a checkpoint alone needs none."""
    return any((folder / name).exists() for name in ("tokenizer.json", "vocab.txt"))


def reads_alike(
    model: PreTrainedTokenizerBase,
    other: PreTrainedTokenizerBase,
    kept_pieces: Sequence[int] | None = None,
) -> bool:
    """Whether two tokenizers make the same ids of every text, cutting and padding aside.

    Args:
        model: Of one model.
        other: Of the other.
        kept_pieces: Where the other's vocabulary was trimmed, the ids of its pieces before.
    """
    pieces, parts = other.get_vocab(), ["normalizer", "pre_tokenizer"]
    if kept_pieces is None:
        parts += ["post_processor", "model"]  # its merges and scores decide too
        alike = model.get_vocab() == pieces
    else:
        whole = model.get_vocab()
        alike = all(whole.get(piece) == kept_pieces[id_] for piece, id_ in pieces.items())
    if not alike:
        return False
    ways = [json.loads(each.backend_tokenizer.to_str()) for each in (model, other)]
    return all(ways[0].get(part) == ways[1].get(part) for part in parts)


def check_vocabulary(folder: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuses a model that reads other tokens than the recipe's teacher.

    Args:
        folder: The model's.
        tokenizer: The teacher's.

    Raises:
        InputError: Its vocabulary is another, or its table is too small for it.
    """
    vocabulary = tokenizer.get_vocab()
    if load_tokenizer(folder).get_vocab() != vocabulary:
        raise InputError(
            f"{folder}: its vocabulary is not the teacher's; the models must read the same tokens"
        )
    tables = Tables.of_config(read_config(folder), str(folder), takes_types=False)
    tables.check_ids(max(vocabulary.values()), 0)
