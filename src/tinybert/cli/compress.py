"""The command `tinybert compress`."""

import argparse

from tinybert.base.extras import require_training_packages
from tinybert.base.threads import wait_passively
from tinybert.cli.printing import print_json, print_result
from tinybert.cli.terminal import ProgressDisplay
from tinybert.modeling.distributed import is_main

HELP = "Runs a recipe; run again, it goes on."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what it takes."""
    parser.add_argument("recipe", metavar="RECIPE.yaml")
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
    from tinybert.recipe.recipe import Recipe

    recipe = Recipe.read(options.recipe, options.set)
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
