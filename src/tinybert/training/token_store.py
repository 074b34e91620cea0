"""Token ids of rows that don't fit in memory: files of numbers, mapped and not read.

They are named by a hash of the rows, the tokenizer and the length, and shared by all runs: the same
rows are tokenized once.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tinybert.base.cache_folder import cache_root
from tinybert.base.errors import InputError
from tinybert.base.files import atomic_path, write_json
from tinybert.base.locks import one_at_a_time
from tinybert.modeling.distributed import agree, is_main

FORMAT = 1
_META, _LENGTHS = "meta.json", "lengths"

Part = Mapping[str, list[list[int]]]
"""The features of some inputs, by name; each has "input_ids"."""


def stored_tokens(
    key: str, parts: Callable[[], Iterable[Part]], largest: int
) -> tuple[dict[str, NDArray[Any]], NDArray[np.int32]]:
    """The features of inputs, end to end, and the tokens of each input, made if they are not there.

    Args:
        key: A hash of all that they depend on.
        parts: Makes them, some inputs at a time; of several processes the first one does.
        largest: Of the ids; features beside them are below 256.

    Raises:
        InputError: The disk is full, or nothing can be written there.
    """
    folder = cache_root() / "tokens" / key[:20]
    try:
        if is_main():
            _make(folder, parts, largest)
        agree(None)  # the others wait
    except BrokenPipeError:  # of who is told of the progress
        raise
    except OSError as error:
        raise InputError(
            f"{folder.parent}: can't keep the tokens of the rows there ({error.strerror}); make "
            "room, or name another folder in TINYBERT_CACHE"
        ) from None
    types: dict[str, str] = json.loads((folder / _META).read_text(encoding="utf-8"))["files"]
    arrays = {name: np.memmap(folder / f"{name}.bin", kind, "r") for name, kind in types.items()}
    lengths = np.array(arrays.pop(_LENGTHS))
    return dict(arrays), lengths


def _make(folder: Path, parts: Callable[[], Iterable[Part]], largest: int) -> None:
    with one_at_a_time(folder):
        if (folder / _META).exists():  # the folder has its name when all of it is written
            return
        shutil.rmtree(folder, ignore_errors=True)
        with atomic_path(folder) as temporary:
            temporary.mkdir()
            _write(temporary, parts(), largest)


def _write(folder: Path, parts: Iterable[Part], largest: int) -> None:
    types: dict[str, str] = {_LENGTHS: "int32"}
    files: dict[str, BinaryIO] = {}
    try:
        for part in parts:
            lengths = [len(row) for row in part["input_ids"]]
            for name, rows in (*part.items(), (_LENGTHS, [lengths])):
                if name not in files:
                    types.setdefault(name, _type(name, largest))
                    files[name] = (folder / f"{name}.bin").open("wb")
                ids = [number for row in rows for number in row]
                files[name].write(np.array(ids, types[name]).tobytes())
    finally:
        for file in files.values():
            file.close()
    write_json(folder / _META, {"format": FORMAT, "files": types})


def _type(name: str, largest: int) -> str:
    if name != "input_ids":
        return "uint8"
    return "uint16" if largest < 1 << 16 else "uint32"
