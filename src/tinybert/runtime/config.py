"""What config.json and tokenizer_config.json say about a model."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from tinybert.base.errors import InputError, said, short
from tinybert.base.files import require_file
from tinybert.families import FAMILIES, find_family
from tinybert.runtime.sentence_files import MODULES, as_sentence_encoder
from tinybert.tasks.config import ACTIVATION

# Their positions are counted from the padding id + 1, so the table's first rows stay unused.
_POSITIONS_AFTER_PADDING = {kind for kind in FAMILIES if FAMILIES[kind].positions_after_padding}
_POSITIONS_AFTER_PADDING |= {"xlm-roberta-xl"}


# The sizes that every config.json of early BERT has, and those that tell other architectures.
_BERT = {"hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"}
_BERT |= {"vocab_size", "type_vocab_size", "max_position_embeddings"}
_OTHERS = {"embedding_size", "num_hidden_groups", "relative_attention", "pad_token_id"}


class Files(Protocol):
    """Files of a model, as those of a folder or as a run has published them."""

    def has(self, path: Path) -> bool:
        """Whether a file is there."""
        ...

    def read(self, path: Path) -> bytes:
        """What a file holds."""
        ...

    def read_object(self, path: Path) -> dict[str, Any]:
        """A JSON file that holds one object."""
        ...


def read_config(folder: Path, files: Files | None = None) -> dict[str, Any]:
    """Reads the config.json of a model, with what other files say instead of it.

    BERT's own early checkpoints, and TinyBERT's, have no "model_type": theirs have BERT's sizes
    and a vocab.txt. Cross-encoders name their activation in config_sentence_transformers.json, and
    modules.json says that an encoder gives a vector for a text.

    Args:
        folder: Of the model.
        files: Its files as they were published; None for what is there.

    Raises:
        InputError: A file is missing or broken.
    """
    read = files.read_object if files else read_object
    config = read(folder / "config.json")
    early = config.keys() >= _BERT and not config.keys() & _OTHERS
    if not config.get("model_type") and early and (folder / "vocab.txt").is_file():
        config["model_type"] = "bert"
    beside = folder / "config_sentence_transformers.json"
    has = files.has if files else Path.is_file
    activation = read(beside).get("activation_fn") if has(beside) else None
    if activation is not None:
        config.setdefault(ACTIVATION, {"activation_fn": activation})
    if has(modules := folder / MODULES):
        content = files.read(modules) if files else read_file(modules)
        return as_sentence_encoder(
            config,
            parse(content, modules),
            lambda name: read(folder / name),
            lambda name: has(folder / name),
            str(modules),
        )
    return config


def read_object(path: Path) -> dict[str, Any]:
    """Reads a JSON file that holds one object.

    Raises:
        InputError: The file is missing, is no JSON or holds something else.
    """
    return parse_object(read_file(path), path)


def read_file(path: Path) -> bytes:
    """The bytes of a model's file.

    Raises:
        InputError: It is missing, no file, or not to be read.
    """
    require_file(path)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file, and the model needs it") from None
    except OSError as error:
        raise InputError(f"{path}: not readable ({said(error)})") from None


def parse(content: bytes, path: Path) -> Any:
    """What a JSON file's bytes hold.

    Raises:
        InputError: They are no JSON.
    """
    try:
        return json.loads(content.decode("utf-8"))
    # ValueError: not UTF-8 or not JSON; RecursionError: brackets within brackets
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not readable as JSON ({said(error)})") from None


def parse_object(content: bytes, path: Path) -> dict[str, Any]:
    """The object that a JSON file's bytes hold.

    Raises:
        InputError: They are no JSON or hold something else.
    """
    value = parse(content, path)
    if not isinstance(value, dict):
        raise InputError(f"{path}: holds no JSON object")
    return value


def folders_of(artifact: Path) -> tuple[Path, Path]:
    """The folders where what belongs to an artifact may lie: beside it, and one folder up."""
    beside = artifact.absolute().parent  # the parent of a bare name is its own parent
    return beside, beside.parent


def folder_with_config(path: Path) -> Path:
    """Where the config.json and the tokenizer of an artifact lie: beside it, or one folder up.

    Raises:
        InputError: There is none.
    """
    for folder in folders_of(path):
        if (folder / "config.json").is_file():
            return folder
    raise InputError(f"{path}: no config.json beside it or one folder up, and the model needs it")


def max_positions(config: Mapping[str, Any]) -> int | None:
    """The most tokens that a model takes; None where its positions have no table.

    Raises:
        InputError: Its config.json is broken.

    Example:
        >>> max_positions({"model_type": "bert", "max_position_embeddings": 512})
        512
        >>> max_positions({"model_type": "roberta", "max_position_embeddings": 514})
        512
    """
    family = find_family(config.get("model_type"))
    name = "max_position_embeddings" if family is None else family.sizes.positions
    positions = config.get(name)
    if positions is None:
        return None
    if type(positions) is not int:
        raise InputError(f"its config.json is broken: {name} is {short(positions)}")
    return positions - first_position(config)


def require_positions(positions: int | None, length: int, whose: str) -> None:
    """Refuses texts that are longer than a model takes.

    Args:
        positions: Its `max_positions`.
        length: Of the texts, in tokens.
        whose: Names it.

    Raises:
        InputError: They are too long for it.

    Example:
        >>> require_positions(64, 128, "the teacher")
        Traceback (most recent call last):
        tinybert.base.errors.InputError: 128 tokens are more than the 64 that the teacher takes
    """
    if positions is not None and length > positions:
        raise InputError(f"{length} tokens are more than the {positions} that {whose} takes")


def first_position(config: Mapping[str, Any]) -> int:
    """The row of the table of positions that a text's first token takes.

    Example:
        >>> first_position({"model_type": "roberta", "pad_token_id": 1})
        2
    """
    if config.get("model_type") in _POSITIONS_AFTER_PADDING:
        return int(config.get("pad_token_id") or 1) + 1
    return 0


def max_length(config: Mapping[str, Any], model_max_length: float | None) -> int | None:
    """Where texts are cut: the tokenizer's own limit, capped by the model's positions.

    Example:
        >>> max_length({"max_position_embeddings": 512}, 128)
        128
        >>> max_length({"max_position_embeddings": 512}, 1e30)  # how a tokenizer says "no limit"
        512
    """
    if not isinstance(model_max_length, int | float | None) or model_max_length != model_max_length:
        raise InputError(
            f"its tokenizer_config.json is broken: model_max_length is {short(model_max_length)}"
        )
    limits = [limit for limit in (model_max_length, max_positions(config)) if limit is not None]
    shortest = min(limits, default=1e30)
    return int(shortest) if shortest < 1e9 else None
