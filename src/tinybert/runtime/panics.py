"""Panics of compiled code, as exceptions that can be handled like any other."""

import contextlib
import os
import threading
from collections.abc import Iterator

_STDERR = threading.RLock()
"""There is one standard error: two threads would take each other's substitute for it."""


class Panic(RuntimeError):
    """What compiled code said before it gave up."""


@contextlib.contextmanager
def panics_as_errors() -> Iterator[None]:
    """Raises an exception like any other for a panic in the block.

    What pyo3 makes of a panic in Rust, as `tokenizers` has for some files, is no `Exception`: no
    handler but the bare one would see it.

    Raises:
        Panic: The block panicked.

    Example:
        >>> with panics_as_errors():
        ...     print("as always")
        as always
    """
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise Panic(str(error)) from None


@contextlib.contextmanager
def quiet_panics() -> Iterator[None]:
    """Does what `panics_as_errors` does, without the lines that Rust writes to stderr of a panic.

    The standard error of the whole process waits until the block ends: this is for loading, which
    threads then do one after the other.

    Raises:
        Panic: The block panicked.
    """
    if not hasattr(os, "memfd_create"):  # of Linux; elsewhere those lines are seen
        with panics_as_errors():
            yield
        return
    with _STDERR:
        yield from _kept_from_stderr()


def _kept_from_stderr() -> Iterator[None]:
    stderr, said = os.dup(2), os.memfd_create("stderr")
    os.dup2(said, 2)
    words = b""
    try:
        with panics_as_errors():
            yield
    except Panic:
        raise
    except BaseException:
        words = _content(said)
        raise
    else:
        words = _content(said)
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(said)
        with contextlib.suppress(OSError):  # nobody listens
            os.write(2, words)


def _content(file: int) -> bytes:
    return os.pread(file, 1 << 20, 0)
