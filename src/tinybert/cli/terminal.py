"""Progress on stderr: a bar with the time left on a terminal, plain lines anywhere else."""

import shutil
import sys
import time
from types import TracebackType
from typing import TextIO

from tinybert.base.progress import Progress

SECONDS_BETWEEN_LINES = 10.0
BAR_WIDTH = 24


class ProgressDisplay:
    """A progress callback that draws; to be used in a `with` block.

    Args:
        stream: Where to, stderr unless told.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._bar = self._stream.isatty()
        self._step = ""
        self._total = 0
        self._first = (0.0, 0)  # when this run began the step, and with how much of it done
        self._last = 0.0

    def __enter__(self) -> "ProgressDisplay":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end_bar()

    def __call__(self, progress: Progress) -> None:
        """Shows one report."""
        now = time.monotonic()
        if progress.step != self._step or progress.done < self._first[1]:
            self._end_bar()
            self._step, self._total, self._last = progress.step, 0, 0.0
        if progress.total != self._total:
            # Steps announce themselves as 0 of 1 before they know how much they resume from.
            self._total, self._first = progress.total, (now, progress.done)
        pause = 0.1 if self._bar else SECONDS_BETWEEN_LINES
        if progress.done < progress.total and now - self._last < pause:
            return
        self._last = now
        line = self._line(progress, now)
        if self._bar:
            # A line that wraps could not be drawn over.
            columns = shutil.get_terminal_size().columns
            self._stream.write(f"\r\x1b[2K{line[: columns - 1]}")
        else:
            self._stream.write(f"{line}\n")
        self._stream.flush()

    def _line(self, progress: Progress, now: float) -> str:
        share = progress.done / progress.total
        values = "  ".join(f"{name} {value:.4g}" for name, value in progress.values.items())
        parts = [f"{progress.step:<10}"]
        if self._bar:
            full = int(share * BAR_WIDTH)
            parts.append("█" * full + "░" * (BAR_WIDTH - full))
        parts += [f"{share:4.0%}", f"{progress.done}/{progress.total}", self._left(progress, now)]
        return "  ".join([*filter(None, parts), values]).rstrip()

    def _left(self, progress: Progress, now: float) -> str:
        start, done_before = self._first
        done = progress.done - done_before
        if done <= 0 or progress.done == progress.total:
            return ""
        seconds = round((now - start) / done * (progress.total - progress.done))
        return f"{seconds // 60}:{seconds % 60:02d} left"

    def _end_bar(self) -> None:
        if self._bar and self._step:
            self._stream.write("\n")
            self._stream.flush()
