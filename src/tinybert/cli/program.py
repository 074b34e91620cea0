"""How the program begins and ends: its streams, its one line on a fault, its exit codes."""

import contextlib
import io
import os
import platform
import shlex
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from tinybert import __version__
from tinybert.base.faults import reason

_MOST_KEPT = 1 << 16
"""Characters: no more than fits into memory comes out of endless input."""

DONE, OUR_FAULT, WRONG_INPUT, NOT_KEPT, INTERRUPTED, NO_READER = 0, 1, 2, 3, 130, 141


def run_program(
    work: Callable[[], int | None], out: Callable[[], Path | None] = lambda: None
) -> int:
    """Runs a command to its exit code, with a line on stderr where that is not 0.

    What it prints comes out when it is done, or there is much of it.

    Args:
        work: The command; it may give an exit code of its own.
        out: Tells where the command writes, as far as that is known.

    Returns:
        0 done; 1 a fault of ours; 2 the input, or the machine, is not as it must be; 3 done, and a
        budget was not kept;
        130 interrupted; 141 nobody reads what is printed.
    """
    _open_streams()
    try:
        with _checked_output():
            code = work()
    except BrokenPipeError:  # the reader of our output, such as `head`, went away
        return NO_READER
    except KeyboardInterrupt as error:
        _say(_interrupted(str(error)))
        return INTERRUPTED
    except Exception as error:
        line = reason(error, out())
        if line is not None:
            _say(f"error: {line}")
            return WRONG_INPUT
        with contextlib.suppress(OSError):
            traceback.print_exc()
        _say(
            "this is a fault of tinybert; please report it, with the lines above and what you "
            f"ran: {shlex.join(sys.argv)} (tinybert {__version__}, Python "
            f"{platform.python_version()}, {platform.platform()})"
        )
        return OUR_FAULT
    finally:
        _silence()
    return code or DONE


class _Output(io.StringIO):
    """Keeps what is printed until there is much of it, so that one place can fail to write it."""

    def __init__(self) -> None:
        super().__init__()
        self._stdout = sys.stdout

    def write(self, text: str) -> int:
        super().write(text)
        if self.tell() > _MOST_KEPT:
            self.pass_on()
        return len(text)

    def pass_on(self) -> None:
        """Writes what is kept to stdout."""
        text = self.getvalue()
        self.seek(0)
        self.truncate()
        _write(text, self._stdout)


@contextlib.contextmanager
def _checked_output() -> Iterator[None]:
    """Lets what is printed in the block come out, and the block fail where it can't."""
    output = _Output()
    try:
        with contextlib.redirect_stdout(output):
            yield
    except SystemExit:  # argparse, after it printed the help
        output.pass_on()
        raise
    output.pass_on()


def _write(text: str, to: TextIO | None) -> None:
    if to is None:  # closed by who started us
        return
    try:
        to.write(text)
        to.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, "stdout") from None
    except UnicodeEncodeError as error:
        character = error.object[error.start]
        raise OSError(
            None,
            f"can't show {character!a} in {error.encoding}; set PYTHONIOENCODING=utf-8",
            "stdout",
        ) from None


def _interrupted(saved: str) -> str:
    """The line on an interrupt: what is saved, and the command that goes on from there."""
    if not saved:
        return "interrupted; run the same command again to go on"
    program = "tinybert" if Path(sys.argv[0]).name == "tinybert" else "python -m tinybert"
    # To begin anew, as argparse lets it be abbreviated, is what must not be said again.
    words = [word for word in sys.argv[1:] if len(word) < 4 or not "--fresh".startswith(word)]
    return f"interrupted: {saved}; to go on: {program} {shlex.join(words)}"


def _say(text: str) -> None:
    if sys.stderr is not None:
        with contextlib.suppress(OSError):  # nobody listens: the exit code must do
            sys.stderr.write(f"tinybert: {text}\n")
            sys.stderr.flush()


def _open_streams() -> None:
    """Opens the standard streams that are closed, or the next file would get their numbers."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(opened)


def _silence() -> None:
    """Sends what a broken stream still holds nowhere, or Python would complain of it at its end."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
