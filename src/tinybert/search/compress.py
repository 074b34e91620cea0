"""Compresses as a recipe says; with a budget, what the recipe leaves open is searched for."""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from tinybert.base.errors import InputError
from tinybert.base.files import hash_value, remove
from tinybert.base.progress import ProgressCallback, silent
from tinybert.modeling.distributed import start, world_size
from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.modeling.hub import find_folder
from tinybert.modeling.load import load_model, load_tokenizer
from tinybert.output.claim import SEARCH
from tinybert.recipe.inputs import Inputs, read_inputs
from tinybert.recipe.plan import check_users_code
from tinybert.recipe.recipe import Recipe
from tinybert.run.compress import (
    Result,
    as_recipe,
    at_work,
    first_state,
    run_recipe,
    start_run,
)
from tinybert.run.output_folder import check_out
from tinybert.run.step import advance
from tinybert.runtime.config import read_config
from tinybert.search.clock import Clock
from tinybert.search.costs import cost_model
from tinybert.search.fit import Fit
from tinybert.search.progress import SearchProgress
from tinybert.search.report import report_of
from tinybert.search.rows import part
from tinybert.search.score import Goal
from tinybert.search.search import Search, best_words, outcome_of
from tinybert.search.space import Space
from tinybert.search.study import candidate_of, check_storage, finished, open_study, seconds_of
from tinybert.search.trial import Trials
from tinybert.steps.expected import Plan

PAGE = "report.html"
"""A page beside the record of a search that shows what is known so far."""

USUAL_MINUTES = 45.0
"""How long a search may take, its winner's training included, where nothing is said."""


@dataclass(frozen=True)
class Prepared:
    """A recipe with a budget, with all read that it names.

    Attributes:
        recipe: As it was given.
        space: What it leaves open.
        inputs: What it names, read.
        fit: What candidates cost.
    """

    recipe: Recipe
    space: Space
    inputs: Inputs
    fit: Fit


def compress(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    out: str | Path = "out",
    *,
    fresh: bool = False,
    overrides: Sequence[str] = (),
    progress: ProgressCallback = silent,
) -> Result:
    """Compresses a model as a recipe says, and measures the result.

    With a `budget`, settings that the recipe does not give are searched for: candidates that fit
    are trained for a while on a part of the training rows and compared on the rest of them, and
    the best one is then trained in full. Run again with the same `out`, it goes on where it
    stopped; what has not changed is not done again.

    Args:
        recipe: A YAML file, a mapping of the same form, or a Recipe.
        out: The output folder.
        fresh: Start over.
        overrides: "path.to.key=value" each, as `--set` takes them.
        progress: Called as the work goes on.

    Raises:
        InputError: The recipe or something that it names can't be used, or nothing that it can
            become fits the budget.
        OSError: A disk is full, or a folder can't be read or written; the file is named.

    Example:
        >>> compress("recipe.yaml").report["ratios"]  # doctest: +SKIP
        {"retention": 0.99, "smaller": 6.2, "faster": 8.3, "less_memory": 4.4}
    """
    recipe = as_recipe(recipe, overrides)
    out = check_out(out, recipe)
    start()
    if not searches(recipe):
        inputs = read_inputs(recipe)
        check_users_code(recipe)
        with at_work(out):
            return run_recipe(recipe, inputs, out, fresh=fresh, progress=progress)
    if world_size() > 1:
        raise InputError(
            "budget: a search runs in one process; start it without torchrun, and several of "
            "them on one budget.storage"
        )
    found = prepare(recipe, progress)
    check_users_code(found.recipe)
    with at_work(out):
        return _search(found, out, fresh, progress)


def searches(recipe: Recipe) -> bool:
    """Whether a recipe asks for a search."""
    return recipe.budget is not None and recipe.budget.search


def prepare(recipe: Recipe, progress: ProgressCallback = silent) -> Prepared:
    """Reads what a recipe with a budget names, and refuses what can't be before anything trains.

    Raises:
        InputError: Something is missing or broken, the recipe leaves nothing open, or nothing that
            it can become fits.
    """
    budget = recipe.budget
    assert budget is not None, "`searches` says so"
    for index, step in enumerate(recipe.steps):
        if step.config.begins_with is not None:
            raise recipe.source.error(
                ("steps", index, step.name, "base"),
                "what other encoders come to can't be predicted: set `budget.search: false`, or "
                "leave it out",
            )
    with recipe.placed("teacher"):
        config = read_config(find_folder(recipe.teacher))
        plan = Plan(recipe.data.max_length, config, ExpectedShape.of(config))
    space = Space.of(recipe, plan)
    if all(len(choice.settings) == 1 for choice in space.choices.values()):
        raise recipe.source.error(
            ("budget",),
            "the steps leave nothing open to search for: leave settings out, such as those of "
            "`student`, or set `search: false` to run it as it is",
        )
    inputs = read_inputs(space.recipe_of(space.largest))
    if inputs.part_teachers:
        raise recipe.source.error(
            ("budget",),
            "students of several tasks are not searched for: set `budget.search: false`, or leave "
            "it out",
        )
    space = space.readable(inputs.materials)
    with recipe.placed("budget"):
        check_storage(budget.storage)
        if inputs.train is not None:
            part(inputs.train, recipe.seed)
    goal = Goal(budget.asked())
    finetunes = bool(recipe.steps) and recipe.steps[0].config.new_head
    model = load_model(inputs.teacher, inputs.task, new_head=finetunes)
    tokenizer = load_tokenizer(inputs.teacher, recipe.data.max_length)
    costs = cost_model(
        budget, goal.asked, recipe.export[0], model, tokenizer, progress, inputs.device
    )
    fit = Fit(space, plan, costs, goal.asked, grows=not goal.smallest)
    with recipe.placed("budget"):
        fit.pool(recipe.seed)
    return Prepared(recipe, space, inputs, fit)


def allowed(recipe: Recipe) -> float | None:
    """Minutes for a search and its winner's training; None where trials alone bound it."""
    budget = recipe.budget
    assert budget is not None, "`searches` says so"
    return budget.minutes or (None if budget.trials else USUAL_MINUTES)


def _search(found: Prepared, out: Path, fresh: bool, progress: ProgressCallback) -> Result:
    recipe, budget, inputs = found.recipe, found.recipe.budget, found.inputs
    assert budget is not None, "`searches` says so"
    first = found.space.first
    told = SearchProgress(progress, sum(step.config.works for step in recipe.steps[:first]))
    run = start_run(recipe, inputs, out, told.around)
    folder = out / SEARCH
    if fresh:
        run.folders.clear()
        remove(folder)
    folder.mkdir(exist_ok=True)
    # What no candidate changes is done once, and found done by the winner's run.
    state = first_state(run)
    for step, reads in list(zip(recipe.steps, found.space.reads, strict=True))[:first]:
        state = advance(run, state, step, reads)
    goal = Goal(budget.asked())
    steps = [recipe.given()[key] for key in ("steps", "export")]
    content = hash_value([run.folders.key, *steps])
    device = None if inputs.device is None else inputs.device.content
    question = hash_value([content, goal.asked, found.space.names, *filter(None, [device])])
    study = open_study(question, folder, budget.storage)
    results = open_study(f"results of {content}", folder, budget.storage)
    minutes = allowed(recipe)
    done = [each["seconds"] for each in state.done]
    done += map(seconds_of, finished(study))
    clock = Clock(None if minutes is None else 60 * minutes, sum(done))
    search = Search(
        study=study,
        fit=found.fit,
        trials=Trials(replace(run, progress=told.of_trial), state, first, folder, results),
        goal=goal,
        clock=clock,
        most=budget.trials,
        seed=recipe.seed,
        worker=f"{socket.gethostname()}:{out.absolute()}",
        shared=budget.storage is not None,
        progress=told,
        page=folder / PAGE,
    )
    # A second run with as much time ends in what the first one chose.
    key = f"chosen in {hash_value([minutes, budget.trials])}"
    best = _chosen(study, key)
    if best is None:
        before = len(finished(study))
        goes_on = f"goes on after {before} candidates; " if before else ""
        told.begin(run.plan, f"{goes_on}shown in {folder / PAGE}")
        best = search.run()
        search.show(ended=True)
        share = clock.share_left(*outcome_of(best))
        study.set_user_attr(key, {"trial": best.number, "share": share})
    choice = study.user_attrs[key]
    told.end(f"chosen: {best_words(best)}", sum(map(seconds_of, finished(study))))
    candidate = candidate_of(best)
    chosen = found.space.recipe_of(candidate, choice["share"])
    chosen = replace(chosen, budget=budget.without_search())
    return run_recipe(
        chosen,
        replace(inputs, reads=found.space.reads_of(candidate)),
        out,
        fresh=False,
        progress=told.around,
        search=report_of(study, best, choice["share"], found.fit),
    )


def _chosen(study: optuna.Study, key: str) -> FrozenTrial | None:
    """The trial that was chosen before, if there is one and the database has not lost it."""
    number = study.user_attrs.get(key, {}).get("trial")
    return next((trial for trial in finished(study) if trial.number == number), None)
