"""Runs a recipe: data → teacher → student → steps → artifacts → measurements → report.

Each arrow is a folder below OUT/steps, so that a run that was stopped goes on where it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinybert.base.faults import writing_below
from tinybert.base.progress import ProgressCallback, silent
from tinybert.modeling.distributed import is_main, start, wait_for_all
from tinybert.modeling.load import load_tokenizer
from tinybert.output.claim import claim
from tinybert.recipe.inputs import read_inputs
from tinybert.recipe.plan import check_users_code
from tinybert.recipe.recipe import Recipe
from tinybert.run.finish import finish
from tinybert.run.output_folder import check_out
from tinybert.run.state import Run, State
from tinybert.run.step import advance
from tinybert.run.workspace import StepFolders, exclusive


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
    if isinstance(recipe, Recipe) and overrides:
        recipe = recipe.resolved()
    if isinstance(recipe, Mapping):
        recipe = Recipe.from_mapping(recipe, overrides)
    elif not isinstance(recipe, Recipe):
        recipe = Recipe.read(recipe, overrides)
    out = check_out(out, recipe)
    start()
    inputs = read_inputs(recipe)
    check_users_code(recipe)
    with writing_below(out), exclusive(out):
        if is_main():
            claim(out, "compress")
        wait_for_all()
        run = Run(recipe, inputs, out, StepFolders(out / "steps", inputs.key), progress)
        if fresh:
            run.folders.clear()
        tokenizer = load_tokenizer(inputs.teacher, recipe.data.max_length)
        state = State(inputs.teacher, tokenizer, inputs.train)
        for step, reads in zip(recipe.steps, inputs.reads, strict=True):
            state = advance(run, state, step, reads)
        return Result(out, finish(run, state))
