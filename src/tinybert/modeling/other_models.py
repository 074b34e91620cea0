"""Models that a recipe names beside its teacher: they must read the same tokens."""

from pathlib import Path

from transformers import PreTrainedTokenizerBase

from tinybert.base.errors import InputError
from tinybert.modeling.load import load_tokenizer
from tinybert.runtime.config import read_config
from tinybert.runtime.tables import Tables


def has_tokenizer(folder: Path) -> bool:
    """Whether a folder has one: a checkpoint alone needs none."""
    return any((folder / name).exists() for name in ("tokenizer.json", "vocab.txt"))


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
