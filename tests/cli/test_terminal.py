import io

import pytest

from tinybert.base.progress import Progress
from tinybert.cli.terminal import ProgressDisplay


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that tests set."""
    now = [100.0]
    monkeypatch.setattr("tinybert.cli.terminal.time.monotonic", lambda: now[0])
    return now


def shown(stream, clock, reports):
    """What reports, one every 10 seconds, look like."""
    with ProgressDisplay(stream) as display:
        for report in reports:
            display(report)
            clock[0] += 10
    return stream.getvalue()


def test_plain_lines_in_a_file(clock):
    reports = [Progress("distill", done, 60, {"loss": 0.12345}) for done in (0, 10, 60)]
    assert shown(io.StringIO(), clock, reports).splitlines() == [
        "distill       0%  0/60  loss 0.1235",
        "distill      17%  10/60  0:50 left  loss 0.1235",
        "distill     100%  60/60  loss 0.1235",
    ]


def test_a_bar_on_a_terminal(clock):
    text = shown(Terminal(), clock, [Progress("student", done, 2) for done in (0, 1, 2)])
    assert text.count("\r") == 3
    assert text.count("\n") == 1
    assert "████████████░░░░░░░░░░░░   50%  1/2  0:10 left" in text


def test_a_resumed_step_counts_time_from_where_it_went_on(clock):
    announced = Progress("distill", 0, 1)  # before the checkpoint is read
    reports = [announced, *(Progress("distill", done, 100) for done in (90, 95))]
    assert "95/100  0:10 left" in shown(io.StringIO(), clock, reports)


def test_few_lines_in_a_file(clock):
    stream = io.StringIO()
    with ProgressDisplay(stream) as display:
        for done in range(1001):
            display(Progress("finetune", done, 1000))
            clock[0] += 0.1
    assert len(stream.getvalue().splitlines()) <= 12


def test_each_step_has_its_line(clock):
    text = shown(Terminal(), clock, [Progress("a", 1, 1), Progress("b", 1, 1)])
    lines = text.replace("\r\x1b[2K", "").split("\n")
    assert [line.split(" ")[0] for line in lines] == ["a", "b", ""]


def test_no_line_is_wider_than_the_terminal(clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    values = {f"loss_{name}": 1.0 for name in "abcdefgh"}
    text = shown(Terminal(), clock, [Progress("distill", 1, 2, values)])
    assert len(text.strip().replace("\x1b[2K", "")) < 40


def test_nothing_is_said_of_nothing():
    stream = Terminal()
    with ProgressDisplay(stream):
        pass
    assert stream.getvalue() == ""
