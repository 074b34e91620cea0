"""How a search tells how far it is, in the plan of the whole run."""

from dataclasses import dataclass, replace

from tinybert.base.progress import Progress, ProgressCallback

NAME = "search"


@dataclass
class SearchProgress:
    """One plan of what comes before a search, the search itself, and its winner's training.

    Attributes:
        tell: Whom to tell.
        first: How many of the plan come before the search.
        note: Which trial is at work, what it bets on, and the best so far.
        done: Trials that have ended.
        total: How many there will be; 1 where nobody knows.
    """

    tell: ProgressCallback
    first: int
    note: str = ""
    done: int = 0
    total: int = 1
    _plan: tuple[str, ...] = ()

    def around(self, report: Progress) -> None:
        """Tells of what comes before or behind the search."""
        plan = (*report.plan[: self.first], NAME, *report.plan[self.first :])
        self._plan = plan
        place = report.place + (report.place >= self.first)
        self.tell(replace(report, plan=plan, place=place))

    def of_trial(self, report: Progress) -> None:
        """Tells of a step of a trial."""
        if not report.ended:
            self._tell(report)

    def begin(self, plan: tuple[str, ...], note: str) -> None:
        """Tells that the search begins.

        Args:
            plan: Of the recipe, without the search.
            note: Where it begins, and where it can be watched.
        """
        self.note = note
        self._plan = (*plan[: self.first], NAME, *plan[self.first :])
        self._tell(Progress(NAME, 0, 1))

    def trial(self, note: str, done: int, total: int) -> None:
        """Tells that a trial begins or goes on with more of its training.

        Args:
            note: What it bets on, and the best so far.
            done: Trials that have ended.
            total: How many there will be; 1 where nobody knows.
        """
        self.note, self.done, self.total = note, done, total
        self._tell(Progress(NAME, done, total))

    def end(self, note: str, seconds: float) -> None:
        """Tells what was chosen, and how long it took."""
        self.note = note
        self._tell(Progress(NAME, 1, 1, ended=True, seconds=seconds))

    def _tell(self, report: Progress) -> None:
        self.tell(replace(report, note=self.note, plan=self._plan, place=self.first))
