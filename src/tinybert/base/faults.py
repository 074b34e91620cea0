"""Faults of disks, memory and encodings, which are nobody's mistake in the code: in one line each.

The system names no file that is open already, and libraries hide its errors in exceptions of
their own. Here they become the `OSError` that they were.
"""

import contextlib
import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tinybert.base.errors import InputError, WorkerKilled, cut

_DISK = {
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS", "ESTALE", "ENXIO", "EMFILE", "ENFILE")
    if hasattr(errno, name)  # Windows lacks some
}
"""What no code could have known better: safe to look for behind other exceptions."""

_FAILED_WRITES = {
    "No space left on device": errno.ENOSPC,
    "File too large": errno.EFBIG,
    "PytorchStreamWriter failed": errno.EIO,  # torch, which does not tell why
    "inline_container.cc": errno.EIO,  # torch, closing the file that it could not write
    "basic_ios::clear": errno.EIO,  # C++, as OpenVINO passes it on
}
"""What libraries say of a failed write, and the most that this tells of its cause."""

_NO_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "Failed to allocate memory",
    "bad_alloc",
    "bad allocation",
)

_LOST_PROCESS = re.compile(r"gloo/|NCCL error|ProcessGroup")
"""What torch.distributed says in the processes that wait for one that is gone."""


@contextlib.contextmanager
def writing_below(place: Path) -> Iterator[None]:
    """Raises faults of the disk as an `OSError` that names a file, or `place` where none is known.

    Raises:
        OSError: A write failed, whichever library says so and however.

    Example:
        >>> with writing_below(Path("out")):
        ...     raise RuntimeError("PytorchStreamWriter failed writing file data/0")
        Traceback (most recent call last):
        OSError: [Errno 5] PytorchStreamWriter failed writing file data/0: 'out'
    """
    try:
        yield
    except Exception as error:
        found = disk_error(error)
        if found is None or (found is error and found.filename is not None):
            raise
        name = str(place) if found.filename is None else found.filename
        raise OSError(found.errno, found.strerror, name) from error


def disk_error(error: BaseException) -> OSError | None:
    """The fault of a disk that is, or is behind, an exception; None where it is another fault.

    Example:
        >>> disk_error(Exception("No space left on device (os error 28)")).errno
        28
    """
    if isinstance(error, InputError):
        return None
    for cause in _chain(error):
        text = _one_line(cause)
        if isinstance(cause, shutil.Error) and cause.args and isinstance(cause.args[0], list):
            # All that could not be copied: (from, to, why) each.
            _, name, text = cause.args[0][0]
            if (number := _errno(text)) in _DISK:
                return OSError(number, os.strerror(number), name)
        if isinstance(cause, OSError):
            if cause.errno in _DISK:
                return cause
            continue
        if (number := _errno(text)) in _DISK:
            return OSError(number, os.strerror(number))
        for words, number in _FAILED_WRITES.items():
            if words in text:
                return OSError(number, cut(text))
    return None


def reason(error: BaseException, out: Path | None = None) -> str | None:
    """One line on a fault that is the user's or the machine's; None for a fault of ours.

    Args:
        error: What was raised.
        out: Where the command writes; it is named where the system names no file.

    Example:
        >>> reason(FileNotFoundError(2, "No such file or directory", "rows.tsv"))
        'rows.tsv: No such file or directory'
        >>> reason(RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer"))
        'another process of this run has stopped; its own line says why'
        >>> reason(KeyError("rows"))
    """
    if isinstance(error, InputError | WorkerKilled):
        return str(error)
    if (found := disk_error(error)) is not None:
        return _disk_line(found, out)
    if isinstance(error, MemoryError) or _names_memory(error):
        return f"not enough memory ({cut(_one_line(error)) or 'no more can be had'})"
    if isinstance(error, RuntimeError) and _LOST_PROCESS.search(str(error)):
        return "another process of this run has stopped; its own line says why"
    if isinstance(error, OSError):
        if error.errno == errno.ENOMEM:
            return f"not enough memory ({error.strerror})"
        if error.errno == errno.ENOENT and error.filename is None:  # of os.getcwd()
            return "the current folder is no longer there; change to another"
        return _named(error.filename, error.strerror or _one_line(error))
    if isinstance(error, UnicodeError):
        return f"text in another encoding: {cut(_one_line(error))}"
    if isinstance(error, ImportError) and not (error.name or "").startswith("tinybert"):
        what = error.name or "a package"
        return f"{what} can't be imported: {cut(_one_line(error))}; install it anew"
    return None


def _disk_line(error: OSError, out: Path | None) -> str:
    place = error.filename2 or error.filename  # a copy's target is what has no room
    if place is None:
        place = _fullest(out) if error.errno in (errno.ENOSPC, errno.EIO) else out
    advice = ""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None), errno.EIO):
        advice = f"; {_free(place)}make room and run the same command again"
    words = error.strerror or _one_line(error)
    if error.errno == errno.EIO:  # the words may be a library's, which tell little
        words = f"can't be written ({words})"
    return _named(place, f"{words}{advice}")


def _fullest(out: Path | None) -> Path:
    """The folder with the least room, of those that a command writes to."""
    places = [Path(tempfile.gettempdir()), *([] if out is None else [out])]
    return min(places, key=lambda place: _room(place) or 0)


def _free(place: object) -> str:
    room = _room(Path(os.fsdecode(place))) if isinstance(place, str | bytes | Path) else None
    return "" if room is None else f"{room / 1e6:,.1f} MB are left there; "


def _room(place: Path) -> int | None:
    """Bytes left where a path is or would be."""
    for folder in (place, *place.absolute().parents):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(folder).free
    return None


def _named(place: object, text: str) -> str:
    if isinstance(place, bytes):
        place = os.fsdecode(place)
    return text if place is None else f"{cut(str(place))}: {text}"


def _names_memory(error: BaseException) -> bool:
    text = str(error)
    return isinstance(error, RuntimeError) and any(words in text for words in _NO_MEMORY)


def _errno(text: str) -> int:
    """The number that Python puts before the system's words, and Rust's libraries behind them."""
    found = re.search(r"\[Errno (\d+)\]|\(os error (\d+)\)", text)
    return int(found[1] or found[2]) if found else 0


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it was raised for, the last first."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
