"""Files that are whole or absent, also after a power cut, and hashes of what is in them."""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeGuard

from tinybert.base.errors import InputError, short
from tinybert.base.faults import writing_below

LEFT_BY_SYSTEMS = (".DS_Store", "Thumbs.db", "desktop.ini")
"""What file managers put into any folder."""


@contextlib.contextmanager
def atomic_path(target: Path, beside: Sequence[str] = ()) -> Iterator[Path]:
    """A temporary path beside `target`, moved there when the block ends well, removed when not.

    The block may make a file or a folder of it. An existing folder at `target` is replaced. What
    was made is on the disk, not only in its cache, before it gets its name.

    Args:
        target: Where the file or folder shall be.
        beside: Suffixes of files that belong to it, "model.bin" to "model.xml": made by the block
            as the temporary path + the suffix, moved before it.

    Raises:
        InputError: There is a device or a pipe, which a file must not replace.
        OSError: The disk is full or fails, also where a library says so in words of its own.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "a.txt"
        >>> with atomic_path(target) as path:
        ...     _ = path.write_text("whole")
        >>> target.read_text()
        'whole'
    """
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise InputError(f"{target}: is no file, but a device or a pipe; name another place")
    target.parent.mkdir(parents=True, exist_ok=True)
    # One fixed name a process: what a killed run left behind is found and overwritten by the next.
    temporary = target.with_name(f".{target.name}.partial")
    others = {target.with_name(f"{temporary.name}{suffix}"): suffix for suffix in beside}
    for path in (temporary, *others):
        remove(path)
    try:
        with writing_below(target):
            yield temporary
            for path in (*others, temporary):
                sync(path)
            for path, suffix in others.items():
                os.replace(path, target.with_suffix(suffix))
            if target.is_dir():
                if not temporary.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
                remove(target)  # os.replace cannot overwrite a folder that has files in it
            os.replace(temporary, target)
            sync_names(target.parent)
    finally:
        for path in (temporary, *others):
            remove(path)


def given_path(given: Any, what: str) -> Path:
    """A path as a user gives it.

    Args:
        given: A text or a path.
        what: It should be, for messages.

    Raises:
        InputError: It is neither.

    Example:
        >>> given_path(3, "a model")
        Traceback (most recent call last):
        tinybert.base.errors.InputError: expected the path of a model, got 3
    """
    if not isinstance(given, str | os.PathLike):
        raise InputError(f"expected the path of {what}, got {short(given)}")
    return Path(given)


def require_file(path: Path) -> None:
    """Refuses what a read would never end at, or read only once: pipes, devices, folders.

    A path where there is nothing passes: whoever reads it says so.

    Raises:
        InputError: There is something else than a file.

    Example:
        >>> require_file(Path("/dev/zero"))
        Traceback (most recent call last):
        tinybert.base.errors.InputError: /dev/zero: is a device; expected a file
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # ValueError: no path can hold the name
        return
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFDIR: "folder", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
        kind = kinds.get(stat.S_IFMT(mode), "device")
        raise InputError(f"{path}: is a {kind}; expected a file")


def is_plain_name(name: Any) -> TypeGuard[str]:
    """Whether a name is that of a file in a folder, or below it, on any system.

    Example:
        >>> is_plain_name("onnx/model.onnx"), is_plain_name("../model.onnx"), is_plain_name("/x")
        (True, False, False)
    """
    if not isinstance(name, str) or not 0 < len(name) <= 1000 or re.search(r"[\\:\0]", name):
        return False
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return all(part not in ("", ".", "..") for part in name.split("/"))


def sync(path: Path) -> None:
    """Returns when a file, or all that is in a folder, is on the disk."""
    if path.is_dir():
        for inner in path.iterdir():
            sync(inner)
        sync_names(path)
        return
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_names(folder: Path) -> None:
    """Returns when the names of what is in a folder are on the disk."""
    if os.name == "nt":  # Windows opens no folders, and writes names through by itself
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems sync files alone
            raise
    finally:
        os.close(handle)


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
        return hash_value([[file.relative_to(path).as_posix(), hash_path(file)] for file in files])
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
