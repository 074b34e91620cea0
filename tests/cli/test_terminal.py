import io
import logging
import re
import sys

import pytest

from tinybert.base.progress import Progress
from tinybert.cli.progress_board import Board
from tinybert.cli.terminal import ProgressDisplay

PLAN = ("finetune", "distill", "export")


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that tests set."""
    now = [100.0]
    monkeypatch.setattr("tinybert.cli.terminal.time.monotonic", lambda: now[0])
    return now


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    """A terminal as most are, whatever the tests run in."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "30")


def of(step, done=0, total=1, values=None, *, part=None, **more):
    return Progress(
        part or step, done, total, values or {}, plan=PLAN, place=PLAN.index(step), **more
    )


RUN = [
    of("finetune", ended=True, seconds=72.0, values={"accuracy": 0.9}),
    of("distill"),
    of("distill", 100, 500, part="teacher"),
    of("distill", 0, 60),
    of("distill", 10, 60, {"loss": 0.12345}),
    of("distill", 60, 60, {"loss": 0.1}),
    of("distill", ended=True, seconds=50.0, values={"accuracy": 0.89}),
    of("export"),
    of("export", ended=True),
]


def shown(stream, clock, reports, seconds=31):
    """What reports look like, so many seconds apart."""
    with ProgressDisplay(stream) as display:
        for report in reports:
            display(report)
            clock[0] += seconds
    return stream.getvalue()


def test_plain_lines_in_a_file(clock):
    assert shown(io.StringIO(), clock, RUN).splitlines() == [
        "[1/3] finetune  done before in 1:12  accuracy 0.9",
        "[2/3] distill",
        "[2/3] distill   teacher   20%  100/500",
        "[2/3] distill     0%  0/60",
        "[2/3] distill    17%  10/60  2:35 left  loss 0.1235",
        "[2/3] distill   100%  60/60  0:00 left  loss 0.1",
        "[2/3] distill   done in 0:50  accuracy 0.89",
        "[3/3] export",
        "[3/3] export    done in 0:31",
    ]


def test_few_lines_in_a_file(clock):
    stream = io.StringIO()
    with ProgressDisplay(stream) as display:
        for done in range(1001):
            display(Progress("finetune", done, 1000))
            clock[0] += 0.1
    assert len(stream.getvalue().splitlines()) <= 5


@pytest.mark.parametrize(
    "settings", [{"TERM": "dumb"}, {"TERM": "unknown"}, {"TTY_COMPATIBLE": "0"}]
)
def test_plain_lines_on_what_can_not_draw(clock, monkeypatch, settings):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    text = shown(Terminal(), clock, RUN)
    assert "\x1b" not in text
    assert len(text.splitlines()) == 9


def test_no_control_characters_in_a_file_whatever_is_forced(clock, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in shown(io.StringIO(), clock, RUN)


def test_the_whole_plan_on_a_terminal(clock):
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown(Terminal(), clock, RUN[:5]))
    last = text[text.rindex("finetune") :].splitlines()
    assert re.fullmatch(r"finetune +1:12  done before +accuracy 0.9", last[0].strip())
    assert re.match(r"distill +2:04  [━╺]+ +17%  10/60  2:04 left  loss 0.1235", last[1].strip())
    assert last[2].strip() == "export"
    assert "0/1" not in text


def test_what_an_earlier_run_did(clock):
    lines = shown(io.StringIO(), clock, RUN[:1]).splitlines()
    assert lines == ["[1/3] finetune  done before in 1:12  accuracy 0.9"]


@pytest.mark.parametrize("columns", ["20", "40", "100"])
def test_no_line_is_wider_than_the_terminal(clock, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    values = {f"loss_{name}": 1.0 for name in "abcdefgh"}
    text = shown(Terminal(), clock, [of("distill", 1, 2, values, note="a note of many words")])
    text = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", text)
    assert max(map(len, re.split(r"[\r\n]+", text))) <= int(columns)


def test_a_plan_longer_than_the_terminal(clock, monkeypatch):
    monkeypatch.setenv("LINES", "8")
    plan = tuple(f"step{number}" for number in range(40))
    report = Progress("step20", 1, 4, plan=plan, place=20)
    text = shown(Terminal(), clock, [report])
    assert "step20" in text
    assert "step1 " not in text
    assert len(text.splitlines()) <= 9


def test_no_color(clock, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    text = shown(Terminal(), clock, RUN)
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", text)


def test_letters_that_the_terminal_has(clock):
    class Ascii(Terminal):
        encoding = "ascii"

    assert shown(Ascii(), clock, RUN[:5]).isascii()


def test_what_is_logged_stands_above(clock, monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        with ProgressDisplay(stream) as display:
            display(of("distill", 1, 4))
            root.warning("the machine is [busy]")
            sys.stderr.write("and a library writes\n")
        root.warning("later")
    finally:
        root.removeHandler(handler)
    plain = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", stream.getvalue())
    lines = [line.strip() for line in re.split(r"[\r\n]+", plain)]
    assert "the machine is [busy]" in lines
    assert "and a library writes" in lines
    assert lines[-2:] == ["later", ""]
    assert handler.stream is stream
    assert sys.stderr is stream


def test_nothing_is_said_of_nothing():
    stream = Terminal()
    with ProgressDisplay(stream):
        pass
    assert stream.getvalue() == ""


def test_a_resumed_step_counts_time_from_where_it_went_on(clock):
    reports = [of("distill"), *(of("distill", done, 100, note="from 90") for done in (90, 95))]
    text = shown(io.StringIO(), clock, reports)
    assert "95/100  0:31 left  from 90" in text


def test_time_left_for_all_of_it():
    board, expected = Board(), (10.0, 20.0, 5.0)
    board.add(of("finetune", 0, 10, expected=expected), 0.0)
    assert board.seconds_left(0.0) is None  # nothing tells how fast the machine is
    board.add(of("finetune", 5, 10, expected=expected), 10.0)
    assert board.seconds_left(10.0) == 10 + 40 + 10  # twice as slow as expected
    board.add(of("finetune", ended=True, seconds=20.0, expected=expected), 20.0)
    board.add(of("distill", expected=expected), 20.0)
    assert board.seconds_left(30.0) == 30 + 10


def test_no_time_left_where_a_part_of_the_plan_may_take_any_time():
    board = Board()
    board.add(of("finetune", 0, 10), 0.0)
    board.add(of("finetune", 5, 10), 10.0)
    assert board.seconds_left(10.0) is None


def test_a_plan_that_grows_keeps_what_was_done():
    board = Board()
    board.add(Progress("trial 1", 1, 1, ended=True, plan=("trial 1",)), 0.0)
    board.add(Progress("trial 2", 0, 1, plan=("trial 1", "trial 2"), place=1), 1.0)
    assert [row.ended for row in board.rows] == [True, False]


def test_lines_need_no_rich(monkeypatch, clock):
    monkeypatch.setitem(sys.modules, "rich", None)
    assert shown(io.StringIO(), clock, RUN)


def test_a_narrow_terminal_shows_names_and_times(clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    text = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", shown(Terminal(), clock, RUN[:3]))
    assert re.search(r"\d:\d\d distill", text)


class FullDisk(io.StringIO):
    def write(self, text):
        raise OSError(28, "No space left on device")


def test_a_full_disk_below_a_log_stops_nothing(clock):
    with ProgressDisplay(FullDisk()) as display:
        for report in RUN:
            display(report)
