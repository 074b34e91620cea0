"""The search itself: candidates by successive halving, until time or trials are used up."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from tinybert.base.errors import InputError
from tinybert.base.files import write_text
from tinybert.report.page import search_page
from tinybert.search.clock import Clock
from tinybert.search.fit import Fit
from tinybert.search.progress import SearchProgress
from tinybert.search.report import so_far
from tinybert.search.score import Goal
from tinybert.search.space import Candidate
from tinybert.search.study import (
    ERROR,
    OUTCOME,
    SECONDS,
    SETTINGS,
    do_again,
    finished,
    note,
    seed_sampler,
    taken,
    taken_before,
)
from tinybert.search.trial import Outcome, Trials

SHARES = (1 / 9, 1 / 3)
"""Shares of its training: what a candidate gets at first, and what the better third of them get."""

FIRST = 6
"""Candidates that are tried because they are expected to lose least; later ones are sampled."""

MOST_MISFITS = 40
"""Proposals in a row that do not fit, after which the next one expected to do well is taken."""

SETTLE_SECONDS = 1.0
"""Within which two processes that share a database see which of them took a candidate first."""

MOST_FAILURES = 5
"""Candidates in a row that could not be: then something else is wrong."""


@dataclass
class Search:
    """Everything that a search has.

    Attributes:
        study: Its record.
        fit: What candidates cost.
        trials: How they are trained.
        goal: What is minimised.
        clock: The time.
        most: Candidates to train at most; None for as many as there is time for.
        seed: Of everything random.
        worker: The name of this process.
        shared: Whether others may be at work on the same study.
        progress: Told of each trial.
        page: Where a page shows what is known so far.
    """

    study: optuna.Study
    fit: Fit
    trials: Trials
    goal: Goal
    clock: Clock
    most: int | None
    seed: int
    worker: str
    shared: bool
    progress: SearchProgress
    page: Path

    @cached_property
    def pool(self) -> list[Candidate]:
        """Candidates that fit, those first that are expected to lose least."""
        return self.fit.pool(self.seed)

    def run(self) -> FrozenTrial:
        """Trains candidates, and gives the trial of the best.

        Raises:
            InputError: None could be trained.
        """
        do_again(self.study, self.worker if self.shared else None)
        misfits = failures = 0
        while self._goes_on():
            self._propose(misfits)
            seed_sampler(self.study, self.seed)
            tried: list[FrozenTrial] = []
            self.study.optimize(
                self._objective,
                n_trials=1,
                catch=(InputError,),
                callbacks=[partial(_keep, tried)],
            )
            ours = tried[0]
            self.show()
            misfits = 0 if OUTCOME in ours.user_attrs else misfits + 1
            failures = failures + 1 if ours.state == TrialState.FAIL else 0
            if failures >= MOST_FAILURES:
                raise InputError(str(ours.user_attrs.get(ERROR, "no candidate can be trained")))
            if misfits > 2 * MOST_MISFITS:
                break  # all that fits was tried
        done = finished(self.study)
        if not done:
            raise InputError("budget.time: too short to train a single candidate; give more")
        return self.best(done)

    def show(self, *, ended: bool = False) -> None:
        """Writes the page anew."""
        if done := finished(self.study):
            known, best = so_far(self.study, self.fit), self.best(done).number
            write_text(self.page, search_page(known, self.goal.asked, best, ended=ended))

    def best(self, done: list[FrozenTrial]) -> FrozenTrial:
        """The best of those that were trained the longest, unless time cut a better one short.

        Scores compare after as much training alone. So where the best after the first training is
        not among those that were trained for longer, it is the winner.
        """

        def score(trial: FrozenTrial, step: int) -> tuple[float, int]:
            return trial.intermediate_values[step], trial.number

        first = min(done, key=lambda trial: score(trial, min(trial.intermediate_values)))
        last = max(first.intermediate_values)
        longest = [trial for trial in done if last in trial.intermediate_values]
        return min(longest, key=lambda trial: score(trial, last))

    def _goes_on(self) -> bool:
        done = finished(self.study)
        if self.most is not None and len(done) >= self.most:
            return False
        if not done:
            return True
        outcome, share = outcome_of(done[-1])
        return self.clock.allows(outcome, share, self.shares[0])

    @property
    def shares(self) -> tuple[float, ...]:
        """How long candidates are trained; whether a drop is kept no glance tells."""
        return SHARES[1:] if self.goal.smallest else SHARES

    def _propose(self, misfits: int) -> None:
        """Has the next candidate tried that is expected to do well, as long as that is due."""
        if self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            return
        if len(finished(self.study)) >= FIRST and misfits < MOST_MISFITS:
            return
        known = taken(self.study)
        for candidate in self._due():
            if candidate not in known:
                self.study.enqueue_trial(self._parameters(candidate))
                return

    def _due(self) -> list[Candidate]:
        """The pool, in the order in which it is tried."""
        if not self.goal.smallest:
            return spread(self.pool)
        return self._ladder()

    def _ladder(self) -> list[Candidate]:
        """From the middle of what is not known yet: smaller than what keeps the drop, but larger
        than what does not.
        """
        sizes = {each: costs.bytes / 1e6 for each in self.pool if (costs := self.fit.of(each))}
        # What loses less than all that is smaller is worth its bytes.
        best, stairs = float("inf"), []
        for each in sorted(sizes, key=lambda each: (sizes[each], each)):
            if self.fit.space.expected_loss(each) < best:
                best = self.fit.space.expected_loss(each)
                stairs.append(each)
        low, high = 0.0, float("inf")
        for trial in finished(self.study):
            found = trial.user_attrs[OUTCOME]
            keeps = found["drop"] is not None and found["drop"] <= self.goal.asked["drop"]
            if keeps:
                high = min(high, found["size_mb"])
            else:
                low = max(low, found["size_mb"])
        inside = [each for each in stairs if low < sizes[each] < high] or stairs
        return [inside[len(inside) // 2], *inside]

    def _parameters(self, candidate: Candidate) -> dict[str, int]:
        return {
            name: place
            for at, (name, place) in enumerate(zip(self.fit.space.names, candidate, strict=True))
            if not (self.fit.grows and at in self.fit.space.growing)
        }

    def _suggested(self, trial: optuna.Trial) -> Candidate:
        """What the sampler proposes: settings are numbers from the cheapest."""
        space = self.fit.space
        found = []
        for at, (name, choice) in enumerate(zip(space.names, space.choices.values(), strict=True)):
            grows = self.fit.grows and at in space.growing
            found.append(0 if grows else trial.suggest_int(name, 0, len(choice.settings) - 1))
        return tuple(found)

    def _objective(self, trial: optuna.Trial) -> float:
        candidate = self.fit.grown(self._suggested(trial))
        if candidate is None:
            raise optuna.TrialPruned
        note(trial, candidate, self.worker)
        if self.shared:
            time.sleep(SETTLE_SECONDS)
        if (other := taken_before(self.study, trial)) is not None:
            if OUTCOME in other.user_attrs:
                return float(other.user_attrs[OUTCOME]["score"])
            raise optuna.TrialPruned
        try:
            if not self.fit.fits_measured(candidate):
                raise optuna.TrialPruned
            return self._trained(trial, candidate)
        except InputError as error:
            trial.set_user_attr(ERROR, str(error))
            raise

    def _trained(self, trial: optuna.Trial, candidate: Candidate) -> float:
        space = self.fit.space
        trial.set_user_attr(SETTINGS, dict(space.settings(candidate)))
        score = 0.0
        for rung, share in enumerate(self.shares):
            self._report(trial, share)
            outcome = self.trials.train(space, candidate, share)
            score = self.goal.score(outcome)
            found = {**outcome.as_json(), "share": share, "score": score}
            spent = trial.user_attrs.get(SECONDS, 0.0)
            trial.set_user_attr(SECONDS, spent + outcome.seconds)
            trial.set_user_attr(OUTCOME, found)
            trial.report(score, step=3**rung)
            if share == self.shares[-1]:
                break
            if trial.should_prune() or not self.clock.allows(outcome, share, self.shares[rung + 1]):
                raise optuna.TrialPruned
        return score

    def _report(self, trial: optuna.Trial, share: float) -> None:
        done = finished(self.study)
        parts = [f"trial {trial.number}: {bet(trial.user_attrs[SETTINGS])}, {share:.0%} of it"]
        if done:
            parts.append(f"best so far {best_words(self.best(done))}")
        if (left := self.clock.left) is not None:
            parts.append(f"{left / 60:.0f} min left for all")
        self.progress.trial("; ".join(parts), len(done), self.most or 1)


def _keep(tried: list[FrozenTrial], _: optuna.Study, trial: FrozenTrial) -> None:
    tried.append(trial)


def bet(settings: Mapping[str, Mapping[str, object]]) -> str:
    """What a candidate is, in a few words.

    Example:
        >>> bet({"1.student.layers": {"layers": 4}, "2.factorize.rank": {}})
        'layers 4'
    """
    pairs = (pair for setting in settings.values() for pair in setting.items())
    return " ".join(f"{name} {value}" for name, value in pairs)


def best_words(trial: FrozenTrial) -> str:
    """What the best came to."""
    found = trial.user_attrs[OUTCOME]
    drop = "" if found["drop"] is None else f", drop {found['drop']:.1%}"
    return f"trial {trial.number}: {found['size_mb']:.2f} MB{drop}"


def outcome_of(trial: FrozenTrial) -> tuple[Outcome, float]:
    """What a trial came to, and with which share of its training."""
    found = dict(trial.user_attrs[OUTCOME])
    share = found.pop("share")
    found.pop("score")
    return Outcome(**found), share


def spread(pool: list[Candidate]) -> list[Candidate]:
    """The pool with those first that differ from all before in two choices or more.

    Neighbours tell little of each other; the rest follows in its order.

    Example:
        >>> spread([(3, 3, 3), (3, 3, 2), (3, 2, 2), (1, 1, 3)])
        [(3, 3, 3), (3, 2, 2), (1, 1, 3), (3, 3, 2)]
    """
    first: list[Candidate] = []
    for each in pool:
        differs = (sum(a != b for a, b in zip(each, one, strict=True)) for one in first)
        if len(first) < FIRST and all(count >= 2 for count in differs):
            first.append(each)
    return [*first, *(each for each in pool if each not in first)]
