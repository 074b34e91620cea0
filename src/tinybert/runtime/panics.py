"""Panics of compiled code, as exceptions that can be handled like any other."""

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def panics_as_errors() -> Iterator[None]:
    """Raises a RuntimeError for a panic in the block.

    What pyo3 makes of a panic in Rust, as `tokenizers` has for some files, is no `Exception`: no
    handler but the bare one would see it.

    Raises:
        RuntimeError: The block panicked; what it said.

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
        raise RuntimeError(str(error)) from None
