"""The record of a search, kept by Optuna in a database, so that it outlives its process."""

import time
import warnings
from pathlib import Path

import optuna
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from tinybert.base.errors import InputError, PlacedError, said
from tinybert.search.space import Candidate

HEARTBEAT_SECONDS = 30
"""How often a process at work says that it is; silent for three times as long, it is taken for
dead and its trial is done again by another."""

CANDIDATE, SETTINGS, OUTCOME, SECONDS = "candidate", "settings", "outcome", "seconds"
WORKER, ERROR = "worker", "error"
"""What is noted of a trial."""

DONE = (TrialState.COMPLETE, TrialState.PRUNED)


def check_storage(url: str | None) -> None:
    """Refuses a URL that no database can have, or whose driver is not installed.

    Raises:
        InputError: It is such.
    """
    if url is None:
        return
    try:
        make_url(url).get_dialect().import_dbapi()
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise PlacedError(f"{url}: no database of a search ({said(error)})", ("storage",)) from None


def seconds_of(trial: FrozenTrial) -> float:
    """How long a trial took."""
    return float(trial.user_attrs.get(SECONDS, 0.0))


def open_study(name: str, folder: Path, url: str | None) -> optuna.Study:
    """The study of that name, made unless it is there.

    Args:
        name: Tells searches apart that share a database.
        folder: Where the file lies if no database is named.
        url: Of a database, as SQLAlchemy has it.

    Raises:
        InputError: The database can't be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():  # heartbeats are called experimental, for years now
            warnings.simplefilter("ignore")
            return _open(name, folder, url)
    except (SQLAlchemyError, ImportError, ValueError, RuntimeError) as error:
        where = f"budget.storage: {url}" if url else str(folder)
        anew = "" if url else "; --fresh begins anew"
        words = said(error).partition("\n")[0]
        raise InputError(f"{where}: no database of a search ({words}){anew}") from None


def _open(name: str, folder: Path, url: str | None) -> optuna.Study:
    storage = RDBStorage(
        url or f"sqlite:///{(folder / 'study.db').absolute()}",
        heartbeat_interval=HEARTBEAT_SECONDS,
        grace_period=3 * HEARTBEAT_SECONDS,
        heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(
            inherit_intermediate_values=False
        ),
    )
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    return optuna.create_study(
        study_name=name, storage=storage, load_if_exists=True, direction="minimize", pruner=pruner
    )


def finished(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that came to something, in the order of their numbers."""
    trials = study.get_trials(deepcopy=False, states=DONE)
    return [trial for trial in trials if OUTCOME in trial.user_attrs]


def seed_sampler(study: optuna.Study, seed: int) -> None:
    """Makes what is sampled next depend on what is known alone, and not on how it came to be.

    A search that was killed then goes on as it would have: a trial that died has a number of its
    own, and by numbers all those after it would differ. Beside others at work it differs by them.
    """
    known = len(study.get_trials(deepcopy=False, states=(*DONE, TrialState.RUNNING)))
    study.sampler = optuna.samplers.TPESampler(
        seed=(seed * 1_000_003 + known) % 2**32, n_startup_trials=8, multivariate=True
    )


def note(trial: optuna.Trial, candidate: Candidate, worker: str) -> None:
    """Says which candidate a trial is, which other processes then leave alone."""
    trial.set_user_attr(WORKER, worker)
    trial.set_user_attr(CANDIDATE, [time.time(), list(candidate)])


def taken(study: optuna.Study) -> set[Candidate]:
    """The candidates that were trained, are being trained, or can't be."""
    return {
        candidate_of(trial)
        for trial in study.get_trials(deepcopy=False)
        if CANDIDATE in trial.user_attrs
        and (trial.state in (*DONE, TrialState.RUNNING) or ERROR in trial.user_attrs)
    }


def taken_before(study: optuna.Study, trial: optuna.Trial) -> FrozenTrial | None:
    """The trial that took this one's candidate before it did; None where it was the first."""
    began, candidate = trial.user_attrs[CANDIDATE]
    for other in study.get_trials(deepcopy=False, states=(*DONE, TrialState.RUNNING)):
        theirs, same = other.user_attrs.get(CANDIDATE, (began, None))
        if same == candidate and (theirs, other.number) < (began, trial.number):
            return other
    return None


def candidate_of(trial: FrozenTrial) -> Candidate:
    """The candidate that a trial is."""
    return tuple(trial.user_attrs[CANDIDATE][1])


def do_again(study: optuna.Study, worker: str | None) -> None:
    """Gives up trials that a process did not live to finish, and has them done again first.

    Args:
        study: The study.
        worker: Whose; to be called by itself before it begins any. None: nobody else is at work.
    """
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if worker is None or trial.user_attrs.get(WORKER) == worker:
            study.tell(trial.number, state=TrialState.FAIL)
            if trial.params:
                study.enqueue_trial(trial.params)
