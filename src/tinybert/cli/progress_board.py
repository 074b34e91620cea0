"""What progress reports come to: the whole plan, what each of it took, and the time left."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tinybert.base.progress import Progress

FEWEST_UNITS = 8
"""Fewer are too unlike for what some of them took to tell how long the others take."""


@dataclass
class Row:
    """One of the plan.

    Attributes:
        name: As the plan has it.
        last: The newest report of it; None before there is one.
        began: Seconds of the clock when its first report came; None where it had ended by then.
        first: When the first report of its present part came, and how many units were done then.
        seen: When the newest came.
        seconds: How long it took, once it has ended.
        expected: Seconds that it was expected to take; None where that is not known.
    """

    name: str
    last: Progress | None = None
    began: float | None = None
    first: tuple[float, int] = (0.0, 0)
    seen: float = 0.0
    seconds: float | None = None
    expected: float | None = None

    @property
    def ended(self) -> bool:
        """Whether it is done."""
        return self.last is not None and self.last.ended

    @property
    def counts(self) -> bool:
        """Whether there are units by which one can see how far it is."""
        return self.last is not None and not self.ended and self.last.total > 1

    @property
    def end(self) -> str:
        """What is said of it once it has ended: by an earlier run, where it did not begin here."""
        return "done before" if self.began is None else "done"

    def elapsed(self, now: float) -> float:
        """Seconds since it began."""
        return 0.0 if self.began is None else now - self.began

    def seconds_left(self, now: float) -> float | None:
        """Seconds until its present part is done, at the pace of this run; None at its begin."""
        if not self.counts or self.last is None or self.last.total < FEWEST_UNITS:
            return None
        begun, before = self.first
        done = self.last.done - before
        if done <= 0:
            return None
        left = (self.seen - begun) / done * (self.last.total - self.last.done)
        return max(0.0, left - (now - self.seen))

    def how_far(self, now: float) -> str:
        """The share done, the time left and the figures of what counts."""
        report = self.last
        if report is None:
            return ""
        left = self.seconds_left(now)
        share = f"{report.done / report.total:4.0%}  {report.done}/{report.total}"
        time_left = "" if left is None else f"{clock(left)} left"
        return "  ".join(filter(None, (share, time_left, figures(report))))

    def add(self, report: Progress, now: float) -> None:
        """Takes in a report."""
        if report.ended:
            own = self.elapsed(now) if self.began is not None else None
            self.seconds = own if report.seconds is None else report.seconds
        else:
            self.began = now if self.began is None else self.began
            if (
                self.last is None
                or (report.step, report.total) != (self.last.step, self.last.total)
                or report.done < self.first[1]
            ):
                self.first = (now, report.done)
        self.last, self.seen = report, now


@dataclass
class Board:
    """All that is done, as far as reports tell."""

    rows: list[Row] = field(default_factory=list)
    place: int = 0

    @property
    def running(self) -> Row | None:
        """The row that the newest report is of."""
        return self.rows[self.place] if self.rows else None

    def add(self, report: Progress, now: float) -> Row:
        """Takes in a report, and gives its row."""
        plan = report.plan or (report.step,)
        kept = [row.name for row in self.rows] == list(plan[: len(self.rows)])
        self.rows = self.rows if kept else []
        self.rows += [Row(name) for name in plan[len(self.rows) :]]
        for row, seconds in zip(self.rows, report.expected, strict=False):
            row.expected = seconds
        self.place = min(max(report.place, 0), len(self.rows) - 1)
        row = self.rows[self.place]
        row.add(report, now)
        return row

    def seconds_left(self, now: float) -> float | None:
        """Seconds until all is done; None where what is to come has no expectation.

        What rows took that were expected to take so long tells how fast the machine is.
        """
        left = [row for row in self.rows if not row.ended]
        if not left or any(row.expected is None for row in left):
            return None
        known = [*self._known(now)]
        expected = sum(seconds for _, seconds in known)
        if not expected:
            return None
        pace = sum(seconds for seconds, _ in known) / expected
        total = 0.0
        for row in left:
            own = row.seconds_left(now)
            if own is None:
                own = max(0.0, (row.expected or 0.0) * pace - row.elapsed(now))
            total += own
        return total

    def _known(self, now: float) -> Iterator[tuple[float, float]]:
        """Seconds taken and seconds expected, of what tells the pace."""
        for row in self.rows:
            if row.ended and row.seconds is not None and row.expected is not None:
                yield row.seconds, row.expected
            elif (left := row.seconds_left(now)) is not None and row.expected is not None:
                yield row.elapsed(now) + left, row.expected


def clock(seconds: float) -> str:
    """Seconds as people read them.

    Example:
        >>> clock(7.4), clock(100), clock(3725)
        ('0:07', '1:40', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def figures(report: Progress) -> str:
    """The note of a report, and its values."""
    values = "  ".join(f"{name} {value:.4g}" for name, value in report.values.items())
    return "  ".join(filter(None, (report.note, values)))
