"""The command `tinybert compress`."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tinybert.base.errors import InputError
from tinybert.base.extras import require_training_packages
from tinybert.base.threads import wait_passively
from tinybert.cli.printing import print_json, print_result
from tinybert.cli.terminal import ProgressDisplay
from tinybert.modeling.distributed import is_main

if TYPE_CHECKING:
    from tinybert.recipe.recipe import Recipe

HELP = "Runs a recipe, or writes and runs the usual one for a model; run again, it goes on."
EXAMPLES = (
    "tinybert compress recipe.yaml --out out --dry-run",
    "tinybert compress recipe.yaml --out out --set steps.distill.epochs=5",
    "tinybert compress teacher --train reviews.csv --text review --label stars",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what it takes."""
    parser.add_argument(
        "recipe", metavar="RECIPE.yaml|MODEL", help="a recipe, or with --train a model"
    )
    rows = parser.add_argument_group("a model without a recipe")
    rows.add_argument("--train", metavar="DATA", help="rows to learn from")
    rows.add_argument(
        "--eval",
        metavar="DATA",
        help="rows to measure on, or a share of the others; default: their own split, or 10%%",
    )
    rows.add_argument("--text", action="append", metavar="COLUMN", help="twice for a pair")
    rows.add_argument(
        "--label", action="append", metavar="COLUMN", help="once for each column of 0 and 1"
    )
    rows.add_argument("--task", metavar="KIND", help="default: the model's, or what labels tell")
    parser.add_argument("--out", default="out", metavar="DIR", help="default: out")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="such as seed=1"
    )
    parser.add_argument("--fresh", action="store_true", help="start over")
    parser.add_argument(
        "--dry-run", action="store_true", help="check everything and print the resolved recipe"
    )


def run(options: argparse.Namespace) -> None:
    """Runs a recipe, or checks it alone."""
    wait_passively()
    require_training_packages()
    recipe = _recipe(options)
    if options.dry_run:
        from tinybert.recipe.inputs import read_inputs
        from tinybert.run.output_folder import check_out

        check_out(options.out, recipe)
        read_inputs(recipe)
        if is_main() and options.json:
            print_json(recipe.resolved())
        elif is_main():
            print(recipe.to_yaml(), end="")
        return
    from tinybert.run.compress import compress

    with ProgressDisplay() as display:
        result = compress(recipe, options.out, fresh=options.fresh, progress=display)
    if is_main():  # of the processes that torchrun starts, one talks to the user
        print_result(result, options)


def _recipe(options: argparse.Namespace) -> "Recipe":
    """The recipe that is named, or the one for the model that is."""
    from tinybert.recipe.recipe import Recipe

    if options.train is None:
        for name in ("eval", "text", "label", "task"):
            if getattr(options, name) is not None:
                raise InputError(f"--{name} is for a model without a recipe: name --train too")
        if os.path.isdir(options.recipe):
            raise InputError(
                f"{options.recipe}: a folder, no recipe; for a model name the rows to learn from "
                "by --train"
            )
        return Recipe.read(options.recipe, options.set)
    if Path(options.recipe).suffix in (".yaml", ".yml", ".json"):
        raise InputError(
            f"--train is for a model without a recipe; the rows of {options.recipe} are set by "
            "--set data.train=DATA"
        )
    from tinybert.recipe.draft import draft_recipe

    draft = draft_recipe(
        options.recipe,
        options.train,
        options.eval,
        text=options.text or (),
        label=options.label or (),
        task=options.task,
    )
    for note in draft.notes if is_main() else ():
        print(f"tinybert: {note}", file=sys.stderr)
    return Recipe.from_mapping(draft.recipe, options.set)
