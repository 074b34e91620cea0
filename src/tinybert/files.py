"""Files that are whole or absent, never half-written, and hashes of what is in them."""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def atomic_path(target: Path, beside: Sequence[str] = ()) -> Iterator[Path]:
    """A temporary path beside `target`, moved there when the block ends well, removed when not.

    The block may make a file or a folder of it. An existing folder at `target` is replaced.

    Args:
        target: Where the file or folder shall be.
        beside: Suffixes of files that belong to it, "model.bin" to "model.xml": made by the block
            as the temporary path + the suffix, moved before it.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "a.txt"
        >>> with atomic_path(target) as path:
        ...     _ = path.write_text("whole")
        >>> target.read_text()
        'whole'
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # One fixed name a process: what a killed run left behind is found and overwritten by the next.
    temporary = target.with_name(f".{target.name}.partial")
    others = {target.with_name(f"{temporary.name}{suffix}"): suffix for suffix in beside}
    for path in (temporary, *others):
        remove(path)
    try:
        yield temporary
        for path, suffix in others.items():
            os.replace(path, target.with_suffix(suffix))
        if target.is_dir():
            remove(target)  # os.replace cannot overwrite a folder that has files in it
        os.replace(temporary, target)
    finally:
        for path in (temporary, *others):
            remove(path)


def remove(path: Path) -> None:
    """Removes a file or a folder with everything in it; does nothing where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a UTF-8 file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file atomically, indented, keys in the order given."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def hash_value(value: Any) -> str:
    """SHA-256 of a JSON-able value, the same for the same content whatever the key order.

    Example:
        >>> hash_value({"a": 1, "b": 2}) == hash_value({"b": 2, "a": 1})
        True
    """
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def hash_path(path: Path) -> str:
    """SHA-256 of a file's bytes, or of the names and bytes of all files in a folder."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return hash_value([[str(file.relative_to(path)), hash_path(file)] for file in files])
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
