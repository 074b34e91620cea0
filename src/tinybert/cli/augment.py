"""The command `tinybert augment`."""

import argparse
import itertools
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinybert.base.errors import InputError, PlacedError
from tinybert.base.extras import require_training_packages
from tinybert.base.progress import Progress
from tinybert.base.threads import wait_passively
from tinybert.cli.printing import counted, print_json
from tinybert.cli.terminal import ProgressDisplay

if TYPE_CHECKING:
    from tinybert.data.table import Table
    from tinybert.steps.augment.config import AugmentConfig
    from tinybert.steps.augment.split import Splitter
    from tinybert.tasks.task import Task

HELP = "Writes training rows with changed ones below them, and which row each is made of."
EXAMPLES = (
    "tinybert augment reviews.csv --with words --out more.csv",
    "tinybert augment reviews.csv --with synonyms,masked-lm --model bert-base-uncased --copies 5 "
    "--protect 'New York' --protect drugs.txt --out more.parquet",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what it takes."""
    parser.add_argument("data", metavar="DATA")
    parser.add_argument(
        "--with",
        dest="methods",
        required=True,
        metavar="METHODS",
        help="such as words,synonyms; `tinybert steps augment` names them all",
    )
    parser.add_argument(
        "--out", required=True, metavar="FILE", help=".tsv, .csv, .jsonl or .parquet"
    )
    parser.add_argument(
        "--copies", type=int, metavar="N", help="of each row by each method; default: its own"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="with a masked-LM head, for masked-lm; its tokenizer parts words of scripts without "
        "blanks",
    )
    parser.add_argument("--text", action="append", metavar="COLUMN", help="twice for a pair")
    parser.add_argument("--label", action="append", metavar="COLUMN", help="default: as guessed")
    parser.add_argument("--task", metavar="KIND", help="default: what labels look like")
    parser.add_argument(
        "--protect",
        action="append",
        default=[],
        metavar="TERM|FILE.txt",
        help="what never changes: a term, or a file with one a line; may be repeated",
    )
    parser.add_argument(
        "--rules",
        metavar="FILE.yaml",
        help="a list of {pattern: ...}, what must not change, and {pattern: ..., label: ...}",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="another setting of the step, such as masked_lm.candidates=10",
    )


def run(options: argparse.Namespace) -> None:
    """Writes the rows, and says how many there are."""
    wait_passively()
    require_training_packages()
    from tinybert.data.write import check_format, write_table
    from tinybert.steps.augment.knowledge import read_knowledge
    from tinybert.steps.augment.make import check_methods, make, read_passages
    from tinybert.steps.augment.methods.method import World
    from tinybert.steps.augment.table import augmented, counts, rule_labels

    out = Path(options.out)
    check_format(out)
    config = _config(options)
    _check_unread(out, options, config)
    table, task = _read(options)
    with ProgressDisplay() as display:
        try:
            check_methods([type(method) for method in config.methods], task)
            config.read_files(options.model)
            world = World(
                split=_splitter(options.model, config),
                seed=options.seed,
                model=options.model,
                knowledge=read_knowledge(config.protect, config.rules),
                progress=_planned(display, config),
            )
            rule_labels(table, task, world.knowledge)
            labeled = not task.learns_from_texts and not _lacks_labels(table, task)
            fitted = task.fit(table) if labeled else task
            examples = fitted.examples(table, labeled)
            passages = read_passages(fitted, examples, world)
            made = list(make(passages, config.work, world))
            if not made:
                raise InputError(f"{table.source}: no text could be changed by {options.methods}")
            columns = augmented(table, examples.rows, made, fitted, world.knowledge)
        except PlacedError as error:
            raise InputError(f"augment: {'.'.join(map(str, error.place))}: {error}") from None
        write_table(out, columns)
    found = counts(columns)
    if options.json:
        print_json({"out": options.out, "rows": len(columns["method"]), "by": found})
        return
    by = ", ".join(f"{number} {method}" for method, number in found.items())
    print(f"{options.out}: {counted(len(columns['method']), 'row')}: {by}")


def _check_unread(out: Path, options: argparse.Namespace, config: "AugmentConfig") -> None:
    """Refuses a file that is read, or that would lie in a folder that is."""
    target = Path(os.path.realpath(out))
    terms = [each for each in config.protect if each.endswith(".txt")]
    named = [options.data, options.rules, options.model, *terms]
    for method in config.methods:
        named += [each for each in method.model_dump().values() if isinstance(each, str)]
    for name in named:
        if name and os.path.exists(name):
            read = Path(os.path.realpath(name))
            if target == read or (read.is_dir() and target.is_relative_to(read)):
                raise InputError(f"--out {out}: {name} is read; name another file")


def _config(options: argparse.Namespace) -> "AugmentConfig":
    """The settings of the step that the command's options come to."""
    from tinybert.recipe.recipe import validate
    from tinybert.recipe.source import RecipeSource, read_yaml
    from tinybert.steps.augment.config import AugmentConfig

    values: dict[str, Any] = {
        "with": [name.strip() for name in options.methods.split(",") if name.strip()],
        "protect": options.protect,
    }
    if options.copies is not None:
        values["copies"] = options.copies
    if options.rules is not None:
        values["rules"], _ = read_yaml(Path(options.rules))
    source = RecipeSource(values, "augment")
    for assignment in options.set:
        key = assignment.partition("=")[0].strip()
        if key in values or key == "with":
            raise InputError(f"--set {assignment}: {key} is given already")
        source.override(assignment)
    config: AugmentConfig = validate(AugmentConfig, source.values, source, ())
    for option, reason in config.unused_options().items():
        raise InputError(f"--set {option}: has no effect: {reason}")
    return config


def _read(options: argparse.Namespace) -> "tuple[Table, Task]":
    """The rows, and the task that says which columns are their texts and labels."""
    from tinybert.cli.texts import has_tags
    from tinybert.data.lines import stream_lines
    from tinybert.recipe.draft import read_training
    from tinybert.recipe.guess_columns import guess_columns
    from tinybert.steps.augment.table import check_columns
    from tinybert.tasks import get_task

    text, label = options.text or (), options.label or ()
    wanted = None if options.task is None else get_task(options.task)
    rows_of = wanted
    if wanted is None and options.data.endswith(".txt"):
        tagged = has_tags(itertools.islice(stream_lines(Path(options.data)), 100))
        rows_of = None if tagged else get_task("text-classification")
    table = read_training(options.data, rows_of)
    check_columns(table)
    for name in (*text, *label):
        table.column(name)
    if wanted is None and len(table.columns) == 1:  # texts alone
        return table, get_task({"kind": "text-classification", "text": list(table.columns)})
    if wanted is None and text and not label and "label" not in table.columns:
        return table, get_task({"kind": "text-classification", "text": [*text]})
    columns = guess_columns(table, wanted, text, label)
    spec: dict[str, Any] = {"kind": options.task or columns.kind}
    if columns.text:
        spec["text"] = list(columns.text)
    if columns.label:
        spec["label"] = columns.label[0] if len(columns.label) == 1 else list(columns.label)
    return table, get_task(spec)


def _lacks_labels(table: "Table", task: "Task") -> bool:
    """Whether rows of words have nothing but words."""
    return {*table.columns} == {*task.text_columns(table)}


def _splitter(model: str | None, config: "AugmentConfig") -> "Splitter":
    """What parts texts into words: the tokenizer of a model that is named, or blanks."""
    from tinybert.steps.augment.split import BlankSplitter, WordSplitter

    named = [model, *(getattr(method, "model", None) for method in config.methods)]
    first = next(filter(None, named), None)
    if first is None:
        return BlankSplitter()
    from tinybert.modeling.hub import find_folder
    from tinybert.modeling.load import load_tokenizer

    return WordSplitter(load_tokenizer(find_folder(first)))


def _planned(display: ProgressDisplay, config: "AugmentConfig") -> Any:
    """A progress callback that shows all methods."""
    plan = tuple(method.name for method in config.methods)

    def report(progress: Progress) -> None:
        name = progress.step.partition(":")[0]
        place = plan.index(name)
        ended = progress.done >= progress.total
        display(replace(progress, plan=plan, place=place, ended=ended))

    return report
