"""Locks between processes, which the kernel lets go of when a process dies: none are stale.

Only what writes takes one: a compressed model loads without.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from tinybert.base.errors import InputError


@contextlib.contextmanager
def one_at_a_time(target: Path) -> Iterator[None]:
    """Keeps other processes that make the same file or folder waiting until the block ends.

    Raises:
        OSError: Nothing can be written there, or the file system has no locks.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with _lock(target.with_name(f".{target.name}.lock"), wait=True):
        yield


@contextlib.contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Keeps a second run out of a folder until the block ends.

    Raises:
        InputError: Another run is at work there.
        OSError: Nothing can be written there, or the file system has no locks.
    """
    file = folder / ".lock"
    with contextlib.ExitStack() as stack:
        try:
            lock = stack.enter_context(_lock(file, wait=False))
        except Timeout:
            raise InputError(
                f"{folder}: another run{_holder(file)} is at work in this folder; "
                "wait for it or choose another --out"
            ) from None
        # What filelock falls back to where flock does not exist keeps its own notes in the file.
        if not isinstance(lock, SoftFileLock):
            with contextlib.suppress(OSError):  # Windows lets nobody write into a locked file
                file.write_text(str(os.getpid()), encoding="ascii")
        yield


@contextlib.contextmanager
def _lock(file: Path, *, wait: bool) -> Iterator[BaseFileLock]:
    lock = FileLock(file, blocking=wait)
    try:
        lock.acquire()
    except Timeout:  # an OSError too
        raise
    except OSError as error:
        # The kernel names no file: it was given an open one.
        raise OSError(error.errno, f"can't be locked ({error.strerror})", str(file)) from None
    try:
        yield lock
    finally:
        lock.release()


def _holder(file: Path) -> str:
    """The process in a lock file, where it can be told."""
    try:
        process = file.read_text(encoding="ascii").partition("\n")[0]
    except (OSError, ValueError):
        return ""
    return f" (process {process})" if process.isdigit() else ""
