"""Progress on stderr: the plan on a terminal, plain lines anywhere else."""

import contextlib
import io
import sys
import time
from types import TracebackType
from typing import TextIO

from tinybert.base.progress import Progress
from tinybert.cli.progress_board import Board, Row, clock, figures

SECONDS_BETWEEN_LINES = 30.0


class ProgressDisplay:
    """A progress callback that shows what it is told; to be used in a `with` block.

    On a terminal it draws the plan again and again, and what is logged meanwhile stands above it.
    Anywhere else a line says that something began, how far it is from time to time, and its end.

    Args:
        stream: Where to, stderr unless told.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr or io.StringIO()  # None where stderr is closed
        self._board = Board()
        self._stack = contextlib.ExitStack()
        self._begun = False
        self._draws = False
        self._said: tuple[Row | None, str] = (None, "")  # what the last line was of, and its note
        self._when = 0.0

    def __enter__(self) -> "ProgressDisplay":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def __call__(self, progress: Progress) -> None:
        """Shows one report."""
        now = time.monotonic()
        row = self._board.add(progress, now)
        if not self._begun:
            self._begin()
        if not self._draws:
            self._write_lines(row, progress, now)

    def _begin(self) -> None:
        """Begins to draw, where one can: not before there is something to show."""
        self._begun = True
        if not self._stream.isatty():
            return
        from tinybert.cli.progress_live import drawn, open_console  # rich: not in a plain install

        console = open_console(self._stream)
        if console is not None:
            self._draws = True
            self._stack.enter_context(drawn(self._board, console))

    def _write_lines(self, row: Row, progress: Progress, now: float) -> None:
        before, note = self._said
        if progress.ended:
            took = "" if row.seconds is None else f" in {clock(row.seconds)}"
            self._write(row, f"{row.end}{took}", figures(progress))
        elif row is not before:
            self._write(row, figures(progress))
        elif progress.note != note or (row.counts and now - self._when >= SECONDS_BETWEEN_LINES):
            part = "" if progress.step == row.name else progress.step
            self._write(row, part, row.how_far(now) if row.counts else figures(progress))
        else:
            return
        self._said, self._when = (None if progress.ended else row, progress.note), now

    def _write(self, row: Row, *words: str) -> None:
        rows = self._board.rows
        width = max(len(each.name) for each in rows)
        number = f"[{self._board.place + 1}/{len(rows)}] " if len(rows) > 1 else ""
        line = "  ".join(filter(None, (f"{number}{row.name:<{width}}", *words)))
        try:
            self._stream.write(f"{line.rstrip()}\n")
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError:
            pass  # a log on a full disk is no reason to stop the work
