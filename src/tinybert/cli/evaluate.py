"""The command `tinybert evaluate`."""

import argparse
import json
from typing import TYPE_CHECKING, Any

from tinybert.base.errors import InputError, cut
from tinybert.cli.describe import add_describe, described
from tinybert.cli.printing import counted, print_json

if TYPE_CHECKING:
    from tinybert.tasks.task import Task

HELP = "The task's metrics on any model or artifact."
EXAMPLES = (
    "tinybert evaluate out --data dev.tsv",
    "tinybert evaluate teacher --task glue/sst-2 --data SST-2 --json",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what it takes."""
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument(
        "--task", metavar="KIND", help="such as glue/sst-2; default: what the model is for"
    )
    parser.add_argument("--data", required=True, metavar="DATA")
    parser.add_argument("--text", action="append", metavar="COLUMN", help="twice for a pair")
    parser.add_argument(
        "--label", action="append", metavar="COLUMN", help="once for each column of 0 and 1"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="OPTION=VALUE",
        help='another option of the task: separator=";", or in JSON, columns=[2,-1]',
    )
    parser.add_argument(
        "--part", metavar="NAME", help="of a model of several tasks: the one that the rows are of"
    )
    add_describe(parser)
    parser.add_argument("--threads", type=int, metavar="N")


def run(options: argparse.Namespace) -> None:
    """Prints the metrics of a model."""
    from tinybert.data import read
    from tinybert.formats.open import open_model
    from tinybert.measure.evaluate import evaluate
    from tinybert.recipe.unnamed_outputs import labeled_examples
    from tinybert.runtime.part import part_of
    from tinybert.tasks import get_task

    model = described(open_model(options.model, options.threads), options)
    model = part_of(model, options.part)
    task = get_task(_task_spec(options, model.task), model.task)
    _check_thresholds(options, task)
    examples = labeled_examples(model, task, read(options.data, "eval", task.layout, task.text[0]))
    model.task = task  # its options decide what inputs rows become, as `context` does
    score = evaluate(model, examples, task)
    if options.json:
        print_json({"model": options.model, "metric": task.metric, **_renamed(score)})
        return
    for name, value in score["metrics"].items():
        print(f"{name}  {value:.4f}")
    print(
        f"95% interval of {task.metric}: {score['metric_low']:.4f} to {score['metric_high']:.4f}, "
        f"{counted(score['rows'], 'row')}"
    )


def _renamed(score: dict[str, Any]) -> dict[str, Any]:
    """`metric` is the name of the metric in report.json's "task"; here both need a place."""
    return {"value" if key == "metric" else key: value for key, value in score.items()}


def _task_spec(options: argparse.Namespace, model: "Task") -> dict[str, Any]:
    label = options.label[0] if options.label and len(options.label) == 1 else options.label
    spec = {"kind": options.task or model.kind, "text": options.text, "label": label}
    spec = {key: value for key, value in spec.items() if value is not None}
    for assignment in options.set:
        name, equals, text = assignment.partition("=")
        if not equals or not name:
            raise InputError(f"--set {cut(assignment)}: expected OPTION=VALUE")
        if name in spec:
            raise InputError(f"--set {cut(assignment)}: {name} is given already")
        spec[name] = _value(text)
    return spec


def _check_thresholds(options: argparse.Namespace, task: "Task") -> None:
    """Refuses to choose thresholds on the rows that are measured."""
    if task.calibrates and any(each.startswith("threshold=") for each in options.set):
        raise InputError(
            "--set threshold: thresholds are chosen on training rows, by a recipe; give a number"
        )


def _value(text: str) -> Any:
    """What JSON says it is, and else the text itself: the plain install reads no YAML."""
    try:
        return json.loads(f"0{text}" if text[:1] == "." else text)
    except (ValueError, RecursionError):
        if text[:1] == "[" and text[-1:] == "]":  # of names without quotes
            return [part.strip() for part in text[1:-1].split(",")]
        return text
