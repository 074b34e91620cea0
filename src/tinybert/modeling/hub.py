"""Hugging Face folders: their weight files, and fetching one from the hub."""

import re
from pathlib import Path

from tinybert.base.errors import InputError, missing_extra, said
from tinybert.base.files import hash_path, hash_value, require_file

_WEIGHT_FILES = ("model*.safetensors", "pytorch_model*.bin")
"""The patterns of PyTorch weight files, the one that Transformers prefers first."""

_SMALL_FILES = ("*.json", "*.txt", "*.model")
"""Patterns of all else that is loaded: settings, and tokenizers of all kinds."""


def weight_files(folder: Path) -> list[Path]:
    """The weight files that Transformers would load from a folder; empty where it has none."""
    for pattern in _WEIGHT_FILES:
        if files := sorted(folder.glob(pattern)):
            return files
    return []


def require_model_files(folder: Path) -> None:
    """Refuses a folder where a file that loading reads is a pipe or a device.

    Raises:
        InputError: One is; reading it might never end.
    """
    for pattern in (*_SMALL_FILES, *_WEIGHT_FILES):
        for path in folder.glob(pattern):
            if not path.is_dir():
                require_file(path)


def hash_model(folder: Path) -> str:
    """SHA-256 of the files that a model and its tokenizer are loaded from.

    Other files beside them don't count, nor do folders: runs and checkpoints may lie there.
    """
    files = [path for pattern in _SMALL_FILES for path in folder.glob(pattern)]
    files = sorted({*files, *weight_files(folder)})
    return hash_value([[path.name, hash_path(path)] for path in files if path.is_file()])


def may_be_hub_id(name: str) -> bool:
    """Whether a name has the form of a model on the hub: "owner/name", or "name" alone.

    Example:
        >>> may_be_hub_id("google-bert/bert-base-uncased")
        True
        >>> may_be_hub_id("runs/out/onnx/model.onnx")
        False
    """
    return re.fullmatch(r"(\w[\w.-]*/)?\w[\w.-]*", name) is not None


def find_folder(name: str) -> Path:
    """The folder of a model, downloaded where it is a hub id.

    Raises:
        InputError: There is no such model.
    """
    folder = Path(name)
    if folder.is_file():
        raise InputError(f"{name} is a file; expected a Hugging Face folder or hub id")
    if not folder.exists() and not may_be_hub_id(name):
        raise InputError(f"{name}: there is no such folder")
    return folder if folder.exists() else download(name)


def download(hub_id: str) -> Path:
    """The local copy of a hub model, fetched where the cache doesn't have it.

    Raises:
        InputError: The hub can't be reached or has no such model.
    """
    try:
        from huggingface_hub import snapshot_download
    except ModuleNotFoundError:
        raise missing_extra("huggingface_hub", "train", f"to fetch {hub_id}") from None
    try:
        for pattern in _WEIGHT_FILES:  # most repositories have both: one is enough
            folder = Path(snapshot_download(hub_id, allow_patterns=[*_SMALL_FILES, pattern]))
            if any(folder.glob(pattern)):
                break
    except Exception as error:  # network, HTTP and name errors have no common class
        raise InputError(
            f"{hub_id}: no such file or folder here, and not to be had from the hub ({said(error)})"
        ) from None
    return folder
