"""The command `tinybert compress`."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinybert.base.amounts import BYTES, MILLISECONDS, MINUTES, amount, share
from tinybert.base.errors import InputError
from tinybert.base.extras import require_training_packages
from tinybert.base.threads import wait_passively
from tinybert.cli.printing import print_json, print_result
from tinybert.cli.program import NOT_KEPT
from tinybert.cli.terminal import ProgressDisplay
from tinybert.modeling.distributed import is_main
from tinybert.recipe.presets import PRESETS

if TYPE_CHECKING:
    from tinybert.recipe.inputs import Inputs
    from tinybert.recipe.recipe import Recipe

HELP = "Runs a recipe, or writes and runs the usual one for a model; run again, it goes on."
EXAMPLES = (
    "tinybert compress recipe.yaml --out out --dry-run",
    "tinybert compress recipe.yaml --out out --set steps.distill.epochs=5",
    "tinybert compress teacher --train reviews.csv --text review --label stars",
    "tinybert compress teacher --train reviews.csv --max-size 5MB --max-drop 2% --time 30min",
)

BUDGET = {
    "max_size": "size",
    "max_latency": "latency",
    "max_memory": "memory",
    "max_drop": "drop",
    "length": "length",
    "batch": "batch",
    "threads": "threads",
    "device": "device",
    "strict": "strict",
    "tune": "tune",
    "time": "time",
    "trials": "trials",
    "storage": "storage",
}
"""Options to keys of a recipe's budget."""


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
    rows.add_argument(
        "--unlabeled",
        action="append",
        metavar="FILE",
        help="texts without labels to learn from too, .txt, .jsonl or .parquet; may be repeated",
    )
    rows.add_argument(
        "--soft-labels",
        action="append",
        metavar="FILE|COLUMN",
        help="how likely each label is, learned in place of labels: a file, or once a label its "
        "column, as COLUMN or LABEL=COLUMN",
    )
    rows.add_argument("--text", action="append", metavar="COLUMN", help="twice for a pair")
    rows.add_argument(
        "--label", action="append", metavar="COLUMN", help="once for each column of 0 and 1"
    )
    rows.add_argument("--task", metavar="KIND", help="default: the model's, or what labels tell")
    _add_budget(parser.add_argument_group("what the result has to keep"))
    parser.add_argument("--out", default="out", metavar="DIR", help="default: out")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="such as seed=1"
    )
    parser.add_argument("--fresh", action="store_true", help="start over")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="check everything, train nothing, and print the resolved recipe",
    )


def _add_budget(group: Any) -> None:
    group.add_argument(
        "--for",
        dest="preset",
        choices=list(PRESETS),
        help="; ".join(f"{name}: {preset.summary}" for name, preset in PRESETS.items()).replace(
            "%", "%%"
        ),
    )
    group.add_argument(
        "--max-size", type=_amount(BYTES, "5MB"), metavar="SIZE", help="of all files, such as 5MB"
    )
    group.add_argument(
        "--max-latency",
        type=_amount(MILLISECONDS, "1ms"),
        metavar="TIME",
        help="of a median batch, such as 1ms",
    )
    group.add_argument(
        "--max-memory",
        type=_amount(BYTES, "100MB"),
        metavar="SIZE",
        help="of the process, such as 100MB",
    )
    group.add_argument(
        "--max-drop", type=_share, metavar="SHARE", help="of the teacher's metric, such as 1%%"
    )
    group.add_argument("--length", type=int, metavar="N", help="tokens of the batch; default: 128")
    group.add_argument("--batch", type=int, metavar="N", help="its rows; default: 1")
    group.add_argument("--threads", type=int, metavar="N", help="default: every core")
    group.add_argument(
        "--device", metavar="FILE", help="what `tinybert profile` wrote where the latency counts"
    )
    group.add_argument(
        "--strict",
        action="store_true",
        default=None,
        help="the worse end must keep it: of the drop's 95%% interval, and of a device's time",
    )
    group.add_argument(
        "--tune",
        action="store_true",
        default=None,
        help="search learning rates, epochs, temperature and weights of losses too",
    )
    group.add_argument(
        "--time",
        type=_amount(MINUTES, "45min"),
        metavar="TIME",
        help="for the search and its winner's training; default: 45min",
    )
    group.add_argument("--trials", type=int, metavar="N", help="candidates to train at most")
    group.add_argument("--storage", metavar="URL", help="a database that several machines share")


def _amount(units: Mapping[str, float], example: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        try:
            amount(text, units, example)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return text

    return check


def _share(text: str) -> str:
    try:
        share(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def run(options: argparse.Namespace) -> int | None:
    """Runs a recipe, or checks it alone; 3 where its budget is not kept."""
    wait_passively()
    require_training_packages()
    recipe = _recipe(options)
    if options.dry_run:
        _check(recipe, options)
        return None
    from tinybert.report.promise import is_kept
    from tinybert.search.compress import compress

    with ProgressDisplay() as display:
        result = compress(recipe, options.out, fresh=options.fresh, progress=display)
    if is_main():  # of the processes that torchrun starts, one talks to the user
        print_result(result, options)
    return None if is_kept(result.report) else NOT_KEPT


def _check(recipe: "Recipe", options: argparse.Namespace) -> None:
    """Checks all that can be checked before anything runs, and prints the recipe."""
    from tinybert.recipe.inputs import read_inputs
    from tinybert.recipe.recipe import yaml_text
    from tinybert.run.output_folder import check_out
    from tinybert.search.compress import allowed, prepare, searches
    from tinybert.search.estimate import counted, estimate

    check_out(options.out, recipe)
    if searches(recipe):
        with ProgressDisplay() as display:
            found = prepare(recipe, display)
        fitting = len(found.fit.pool(recipe.seed))
        minutes = allowed(found.recipe)
        fits = f"{fitting} of the candidates looked at fit"
        fits += "" if minutes is None else f"; {minutes:g} minutes are allowed"
        for line in (counted(found.inputs).rows, *_rows(found.inputs), fits):
            print(f"tinybert: {line}", file=sys.stderr)
        shown = recipe.given()
    else:
        inputs = read_inputs(recipe)
        lines = (*_rows(inputs), *estimate(recipe, inputs).lines()) if is_main() else ()
        for line in lines:
            print(f"tinybert: {line}", file=sys.stderr)
        shown = recipe.effective()
    if is_main() and options.json:
        print_json(shown)
    elif is_main():
        print(yaml_text(shown), end="")


def _rows(inputs: "Inputs") -> list[str]:
    """What there is to say of the rows."""
    from tinybert.measure.data_report import data_report
    from tinybert.report.data import data_lines

    tokenizer, length = inputs.materials.tokenizer, inputs.materials.max_length
    return data_lines(data_report(inputs.task, inputs.train, inputs.eval, tokenizer, length))


def _budget(options: argparse.Namespace) -> dict[str, Any]:
    """The budget that is given on the line; single options come before those of a preset."""
    preset = PRESETS[options.preset].budget if options.preset else {}
    found = {key: getattr(options, name) for name, key in BUDGET.items()}
    return {**preset, **{key: value for key, value in found.items() if value is not None}}


def _targets(options: argparse.Namespace) -> list[str]:
    """The formats of a preset as `--set` takes them; what is given comes behind them."""
    preset = PRESETS[options.preset].export if options.preset else ()
    return [f"export={json.dumps(preset)}"] if preset else []


def _soft_labels(given: list[str] | None) -> str | dict[str, str] | None:
    """A file where one name is given, else columns by label."""
    if given is None:
        return None
    if len(given) == 1:
        if not os.path.exists(given[0]) and not Path(given[0]).suffix:
            raise InputError(
                f"--soft-labels {given[0]}: is no file, and one column is not enough: name it once "
                "for each label"
            )
        return given[0]
    pairs = [name.split("=", 1) for name in given]
    found = {pair[0]: pair[-1] for pair in pairs}
    if len(found) < len(given):
        raise InputError(f"--soft-labels: a label is there twice: {' '.join(given)}")
    return found


def _recipe(options: argparse.Namespace) -> "Recipe":
    """The recipe that is named, or the one for the model that is."""
    from tinybert.recipe.recipe import Recipe

    if options.train is None:
        for name in ("eval", "unlabeled", "soft_labels", "text", "label", "task"):
            if getattr(options, name) is not None:
                option = name.replace("_", "-")
                raise InputError(f"--{option} is for a model without a recipe: name --train too")
        if os.path.isdir(options.recipe):
            raise InputError(
                f"{options.recipe}: a folder, no recipe; for a model name the rows to learn from "
                "by --train"
            )
        given = [f"budget.{key}={json.dumps(value)}" for key, value in _budget(options).items()]
        return Recipe.read(options.recipe, [*_targets(options), *options.set, *given])
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
        unlabeled=options.unlabeled or (),
        soft_labels=_soft_labels(options.soft_labels),
        text=options.text or (),
        label=options.label or (),
        task=options.task,
        budget=_budget(options),
    )
    for note in draft.notes if is_main() else ():
        print(f"tinybert: {note}", file=sys.stderr)
    return Recipe.from_mapping(draft.recipe, [*_targets(options), *options.set])
