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

from tinybert import __version__
from tinybert.faults import reason

DONE, OUR_FAULT, WRONG_INPUT, INTERRUPTED, NO_READER = 0, 1, 2, 130, 141


def run_program(work: Callable[[], None], out: Callable[[], Path | None] = lambda: None) -> int:
    """Runs a command to its exit code, with a line on stderr where that is not 0.

    What it prints comes out whole, when it is done.

    Args:
        work: The command.
        out: Tells where the command writes, as far as that is known.

    Returns:
        0 done; 1 a fault of ours; 2 the input, or the machine, is not as it must be;
        130 interrupted; 141 nobody reads what is printed.
    """
    _open_streams()
    try:
        with _whole_output():
            work()
    except BrokenPipeError:  # the reader of our output, such as `head`, went away
        return NO_READER
    except KeyboardInterrupt:
        _say("interrupted; run the same command again to go on")
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
    return DONE


@contextlib.contextmanager
def _whole_output() -> Iterator[None]:
    """Keeps what is printed until the block ends, so that there is one place where it can fail."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            yield
    except SystemExit:  # argparse, after it printed the help
        _write(said.getvalue())
        raise
    _write(said.getvalue())


def _write(text: str) -> None:
    if sys.stdout is None:  # closed by who started us
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
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
