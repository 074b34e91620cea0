"""The plan drawn on a terminal, by rich, which the plain install does not have."""

import contextlib
import logging
import sys
import time
from collections.abc import Iterator
from typing import TextIO

from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from tinybert.cli.progress_board import Board, Row, clock, figures

BAR_WIDTH = 24
NARROW = 50
"""Columns of a terminal that names and times fill alone."""

REDRAWN_A_SECOND = 4
"""Drawing takes about a thousandth of a second from the work."""


def open_console(stream: TextIO) -> Console | None:
    """What can be drawn on; None where lines are all that a stream can show."""
    console = Console(file=stream, highlight=False)
    drawable = stream.isatty() and console.is_terminal and not console.is_dumb_terminal
    return console if drawable else None


@contextlib.contextmanager
def drawn(board: Board, console: Console) -> Iterator[None]:
    """Draws a board again and again; what is written or logged meanwhile stands above it."""
    spinner = Spinner("line" if console.options.ascii_only else "dots")
    live = Live(
        console=console,
        get_renderable=lambda: _render(board, spinner, console),
        refresh_per_second=REDRAWN_A_SECOND,
        redirect_stdout=False,  # results go there, when all is done
    )
    with live, _logged_above(console.file):
        yield


@contextlib.contextmanager
def _logged_above(stream: object) -> Iterator[None]:
    """Sends what is logged to where stderr goes now, which writes above what is drawn."""
    handlers = [
        handler
        for handler in logging.getLogger().handlers
        if isinstance(handler, logging.StreamHandler) and handler.stream is stream
    ]
    for handler in handlers:
        handler.setStream(sys.stderr)
    try:
        yield
    finally:
        for handler in handlers:
            handler.setStream(stream)


def _render(board: Board, spinner: Spinner, console: Console) -> RenderableType:
    """The plan as it stands, in as many lines as the terminal has."""
    now = time.monotonic()
    table = Table.grid(padding=(0, 2))
    narrow = console.width < NARROW
    columns: list[JustifyMethod] = ["left", "right", "left", "left"]
    for justify in columns[:1] if narrow else columns:
        table.add_column(no_wrap=True, justify=justify, overflow="ellipsis")
    for row in _visible(board.rows, board.place, console.height - 3):
        table.add_row(*([_short(row, now)] if narrow else _cells(row, spinner, now)))
    left = board.seconds_left(now) if len(board.rows) > 1 else None
    total = [] if left is None else [Text(f"about {clock(left)} left for all of it", "dim")]
    return Group(table, *total)


def _visible(rows: list[Row], place: int, most: int) -> list[Row]:
    """The rows around one, no more than the terminal has lines for."""
    most = max(most, 1)
    begin = max(0, min(place - most // 2, len(rows) - most))
    return rows[begin : begin + most]


def _short(row: Row, now: float) -> Text:
    """Time and name, of which the end may be cut off."""
    seconds = row.seconds if row.ended else row.elapsed(now) if row.last else None
    time_taken = "" if seconds is None else clock(seconds)
    style = "dim" if row.last is None else "green" if row.ended else "bold"
    return Text(f"{time_taken:>5} {row.name}", style)


def _cells(row: Row, spinner: Spinner, now: float) -> list[RenderableType]:
    """Name, time, bar and figures."""
    report = row.last
    if report is None:
        return [Text(row.name, "dim")]
    if report.ended:
        took = "" if row.seconds is None else clock(row.seconds)
        return [Text(row.name, "green"), Text(took), Text(row.end), Text(figures(report))]
    name = Text(row.name if report.step == row.name else f"{row.name}: {report.step}", "bold")
    elapsed = Text(clock(row.elapsed(now)))
    if not row.counts:
        return [name, elapsed, spinner, Text(figures(report))]
    bar = ProgressBar(report.total, report.done, BAR_WIDTH)
    return [name, elapsed, bar, Text(row.how_far(now))]
