"""The one exception that means: the input is wrong, not the program; and what it may quote."""

import contextlib
import re
from collections.abc import Iterator
from reprlib import Repr
from typing import Any

from tinybert.base.install import install_command

LONGEST_QUOTE = 300
"""Characters of a user's value, or of another package's words, that a message has at most."""

_LONGEST_MESSAGE = 4000
"""Far more than a message has where its author thought of what it quotes."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What would break a line, steer the terminal, or fit into no encoding."""


_LONG_WORD = re.compile(r"\S{401,}")
"""A path that no system has, most often; what others are shows in their beginning and end."""


class InputError(ValueError):
    """What the user gave us can't be used.

    Its text is the whole message: it names the file, row, field or option, and
    says what to do about it. The command line prints it alone and exits with 2.
    It is one line: line breaks and other control characters of what it quotes are escaped.

    Example:
        >>> raise InputError("data.tsv: no column 'sentence'; it has: text, label")
        Traceback (most recent call last):
        ...
        tinybert.base.errors.InputError: data.tsv: no column 'sentence'; it has: text, label
    """

    def __init__(self, message: str) -> None:
        line = _CONTROL.sub(lambda found: ascii(found[0])[1:-1], message)
        line = _LONG_WORD.sub(lambda found: cut(found[0]), line)
        super().__init__(cut(line, _LONGEST_MESSAGE))


class LocatedError(InputError):
    """An InputError whose text says already where the fault is: the file and the line."""


class PlacedError(InputError):
    """An InputError of one key of a section.

    Args:
        message: Without the key.
        place: From the section to the key, such as ("distill", "mapping").
    """

    def __init__(self, message: str, place: tuple[str | int, ...]) -> None:
        super().__init__(message)
        self.place = place


@contextlib.contextmanager
def placed(*place: str | int) -> Iterator[None]:
    """Adds to the errors of a block at which key they arise; who reads the file knows its line.

    Example:
        >>> with placed("prune"), placed("layers"):
        ...     raise InputError("there is no layer 7")
        Traceback (most recent call last):
        tinybert.base.errors.PlacedError: there is no layer 7
    """
    try:
        yield
    except LocatedError:
        raise
    except InputError as error:
        within = error.place if isinstance(error, PlacedError) else ()
        raise PlacedError(str(error), (*place, *within)) from None


def cut(text: str, limit: int = LONGEST_QUOTE) -> str:
    """A text without its middle where it is too long to quote.

    Example:
        >>> cut("9" * 5000, 10)
        '9999…99999'
    """
    if len(text) <= limit:
        return text
    head = (limit - 1) // 2
    return f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"


def short(value: Any) -> str:
    """How a message shows a user's value: its `repr`, cut where it is long.

    It takes no longer for a value of a million parts than for one of a hundred.

    Example:
        >>> short("a film"), short([[1, 2]] * 1000)
        ("'a film'", '[[1, 2], [1, 2], [1, 2], [1, 2], [1, 2], [1, 2], ...]')
    """
    return cut(_SHORT.repr(value))


def said(error: BaseException) -> str:
    """What an exception of another package says, as one line that is not too long.

    Example:
        >>> said(OSError("no\\n  such file"))
        'no such file'
    """
    return cut(" ".join(str(error).split()) or type(error).__name__)


class _Short(Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = LONGEST_QUOTE

    def repr_int(self, x: int, level: int) -> str:
        try:
            return super().repr_int(x, level)
        except ValueError:  # Python writes no more than 4,300 digits
            return f"a number of {x.bit_length()} bits"


_SHORT = _Short()


def missing_extra(package: str, extra: str, purpose: str) -> InputError:
    """The error for an optional package that is not installed.

    Example:
        >>> print(missing_extra("torch", "train", "to train"))  # doctest: +ELLIPSIS
        torch is needed to train and is not installed; run: pip install ...[train]...
    """
    return InputError(
        f"{package} is needed {purpose} and is not installed; run: {install_command(extra)}"
    )


class WorkerKilled(RuntimeError):
    """A process of ours was ended from outside, most often because memory ran out."""
