"""Runs a recipe: data → teacher → student → steps → artifacts → measurements → report.

Each arrow is a folder below OUT/steps, so that a run that was stopped goes on where it was.
"""

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tinybert.base.faults import writing_below
from tinybert.base.files import given_path
from tinybert.base.progress import ProgressCallback, silent
from tinybert.measure.data_report import data_report
from tinybert.modeling.distributed import is_main, start, wait_for_all
from tinybert.modeling.load import load_tokenizer
from tinybert.output.claim import claim
from tinybert.recipe.inputs import Inputs, read_inputs
from tinybert.recipe.plan import check_users_code
from tinybert.recipe.recipe import Recipe
from tinybert.report.data import data_warnings
from tinybert.run.answers import answered
from tinybert.run.finish import finish
from tinybert.run.output_folder import check_out
from tinybert.run.standing import step_back
from tinybert.run.state import Run, State
from tinybert.run.step import advance
from tinybert.run.workspace import StepFolders, exclusive

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """A finished run.

    Attributes:
        out: Its folder, which `tinybert.load` takes.
        report: The content of report.json.
    """

    out: Path
    report: dict[str, Any]


def compress(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    out: str | Path = "out",
    *,
    fresh: bool = False,
    overrides: Sequence[str] = (),
    progress: ProgressCallback = silent,
) -> Result:
    """Compresses a model as a recipe says, and measures the result.

    Run again with the same `out`, it goes on where it stopped; steps whose settings and inputs
    have not changed are not done again.

    Args:
        recipe: A YAML file, a mapping of the same form, or a Recipe.
        out: The output folder.
        fresh: Start over.
        overrides: "path.to.key=value" each, as `--set` takes them.
        progress: Called as the work goes on.

    Raises:
        InputError: The recipe or something that it names can't be used.
        OSError: A disk is full, or a folder can't be read or written; the file is named.

    Example:
        >>> compress("recipe.yaml").report["ratios"]  # doctest: +SKIP
        {"retention": 0.99, "smaller": 6.2, "faster": 8.3, "less_memory": 4.4}
    """
    recipe = as_recipe(recipe, overrides)
    out = check_out(out, recipe)
    start()
    inputs = read_inputs(recipe)
    check_users_code(recipe)
    with at_work(out):
        return run_recipe(recipe, inputs, out, fresh=fresh, progress=progress)


def as_recipe(
    recipe: str | Path | Mapping[str, Any] | Recipe, overrides: Sequence[str] = ()
) -> Recipe:
    """The recipe that a file or a mapping is.

    Raises:
        InputError: It is none.
    """
    if isinstance(recipe, Recipe):
        if not overrides:
            return recipe
        recipe = recipe.given()
    if isinstance(recipe, Mapping):
        return Recipe.from_mapping(recipe, overrides)
    return Recipe.read(given_path(recipe, "a recipe, or a mapping"), overrides)


@contextlib.contextmanager
def at_work(out: Path) -> Iterator[None]:
    """Keeps others out of an output folder, which is ours from then on."""
    with writing_below(out), exclusive(out):
        if is_main():
            claim(out, "compress")
        wait_for_all()
        yield


def run_recipe(
    recipe: Recipe,
    inputs: Inputs,
    out: Path,
    *,
    fresh: bool,
    progress: ProgressCallback,
    search: Mapping[str, Any] | None = None,
) -> Result:
    """Does all steps of a recipe, and what they end in, in a folder where we are `at_work`.

    Args:
        recipe: What to do; a budget is only compared with what comes out.
        inputs: What it names, read.
        out: The output folder.
        fresh: Start over.
        progress: Called as the work goes on.
        search: What report.json says of the search that found the recipe, if one did.
    """
    run = start_run(recipe, inputs, out, progress)
    run = replace(run, search=search, data=look_at_rows(run.inputs))
    if fresh:
        run.folders.clear()
    state = first_state(run)
    for step, reads in zip(recipe.steps, inputs.reads, strict=True):
        state = advance(run, state, step, reads)
    return Result(out, finish(run, state))


def look_at_rows(inputs: Inputs) -> dict[str, Any]:
    """What report.json says of the rows; warns of what makes figures untrue."""
    given = inputs.materials
    found = data_report(inputs.task, inputs.train, inputs.eval, given.tokenizer, given.max_length)
    for line in data_warnings(found) if is_main() else ():
        logger.warning("%s", line)
    return found


def start_run(recipe: Recipe, inputs: Inputs, out: Path, progress: ProgressCallback) -> Run:
    """What stays the same while a recipe is run in its output folder."""
    folders = StepFolders(out / "steps", inputs.key)
    inputs = answered(inputs, recipe.data.max_length)
    return Run(recipe, inputs, out, folders, progress, partial(step_back, out, recipe.budget))


def first_state(run: Run) -> State:
    """Where a run stands before its first step."""
    tokenizer = load_tokenizer(run.inputs.teacher, run.recipe.data.max_length)
    return State(run.inputs.teacher, tokenizer, run.inputs.train)
