"""The `tinybert` program: parses, calls the API, prints."""

import argparse
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinybert import __version__
from tinybert.base.threads import wait_passively
from tinybert.cli.program import run_program
from tinybert.cli.terminal import ProgressDisplay
from tinybert.formats.registry import FORMATS, find_format
from tinybert.modeling.distributed import is_main


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code, see `run_program`."""
    options = argparse.Namespace()

    def command() -> None:
        _parse(arguments, options)
        logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
        # Set before these libraries are imported: what they say is not for our users.
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        os.environ.setdefault("TQDM_DISABLE", "1")
        options.run(options)

    return run_program(command, lambda: Path(out) if (out := getattr(options, "out", "")) else None)


def _demo(options: argparse.Namespace) -> None:
    wait_passively()
    _require_training()
    from tinybert.demo.run import demo

    with ProgressDisplay() as display:
        result = demo(options.out, progress=display)
    _print_result(result, options)


def _compress(options: argparse.Namespace) -> None:
    wait_passively()
    _require_training()
    from tinybert.recipe.recipe import Recipe

    recipe = Recipe.read(options.recipe, options.set)
    if options.dry_run:
        from tinybert.recipe.inputs import read_inputs
        from tinybert.run.output_folder import check_out

        check_out(options.out, recipe)
        read_inputs(recipe)
        if is_main() and options.json:
            _print_json(recipe.resolved())
        elif is_main():
            print(recipe.to_yaml(), end="")
        return
    from tinybert.run.compress import compress

    with ProgressDisplay() as display:
        result = compress(recipe, options.out, fresh=options.fresh, progress=display)
    if is_main():  # of the processes that torchrun starts, one talks to the user
        _print_result(result, options)


def _print_result(result: Any, options: argparse.Namespace) -> None:
    if options.json:
        _print_json(result.report)
        return
    from tinybert.report.table import report_table

    print(report_table(result.report))
    print(f'\nimport tinybert; model = tinybert.load("{result.out}")')


def _evaluate(options: argparse.Namespace) -> None:
    from tinybert.data import read
    from tinybert.formats.open import open_model
    from tinybert.measure.evaluate import evaluate
    from tinybert.recipe.unnamed_outputs import labeled_examples
    from tinybert.tasks import get_task

    model = open_model(options.model, options.threads)
    task = get_task(_task_spec(options), model.task)
    examples = labeled_examples(model, task, read(options.data, "eval", task.layout))
    score = evaluate(model, examples, task)
    if options.json:
        _print_json({"model": options.model, "metric": task.metric, **_renamed(score)})
        return
    for name, value in score["metrics"].items():
        print(f"{name}  {value:.4f}")
    print(
        f"95% interval of {task.metric}: {score['metric_low']:.4f} to {score['metric_high']:.4f}, "
        f"{score['rows']} rows"
    )


def _renamed(score: dict[str, Any]) -> dict[str, Any]:
    """`metric` is the name of the metric in report.json's "task"; here both need a place."""
    return {"value" if key == "metric" else key: value for key, value in score.items()}


def _task_spec(options: argparse.Namespace) -> dict[str, Any]:
    spec = {"kind": options.task, "text": options.text, "label": options.label}
    return {key: value for key, value in spec.items() if value is not None}


def _bench(options: argparse.Namespace) -> None:
    from tinybert.measure.bench import bench
    from tinybert.measure.table import bench_table

    result = bench(
        options.models,
        batch=options.batch,
        length=options.length,
        threads=options.threads,
        repeats=options.repeats,
    )
    if options.json:
        _print_json(result.as_json())
    else:
        print(bench_table(result))


def _predict(options: argparse.Namespace) -> None:
    from tinybert.cli.predictions import check_target, predict_all, write_predictions
    from tinybert.cli.texts import TextInput
    from tinybert.formats.open import open_model
    from tinybert.tasks.pairs import texts_per_input

    given = TextInput(options.texts, options.file, options.text, options.pair)
    if options.out is not None:
        check_target(options.out, options.file)
    model = open_model(options.model, options.threads)
    predictions = predict_all(model, given.rows(model.task, texts_per_input(model.config)))
    if options.out is not None:
        count = write_predictions(Path(options.out), predictions, model.task)
        if options.json:
            _print_json({"out": options.out, "predictions": count})
        else:
            print(f"{options.out}: {count} predictions")
    elif options.json:
        _print_json({"predictions": list(predictions)})
    else:
        for prediction in predictions:
            print(model.task.line(prediction))


def _export(options: argparse.Namespace) -> None:
    _require_training()
    from tinybert.formats.open import load_student, student_folder
    from tinybert.modeling.load import load_tokenizer
    from tinybert.output.claim import check_claim, named_folder
    from tinybert.run.export import export
    from tinybert.runtime.published import read_settled

    targets = [target.strip() for target in options.to.split(",")]
    for target in targets:
        find_format(target)
    out = named_folder(options.out)
    check_claim(out, "export")
    model, tokenizer = read_settled(
        Path(options.model),
        lambda _: (load_student(options.model), load_tokenizer(student_folder(options.model))),
    )
    files = {name: str(path) for name, path in export(model, tokenizer, out, targets).items()}
    if options.json:
        _print_json({"files": files})
        return
    for path in files.values():
        print(path)


def _info(options: argparse.Namespace) -> None:
    from tinybert.measure.info import describe, info_text

    info = describe(options.model)
    if options.json:
        _print_json(info)
    else:
        print(info_text(info))


def _require_training() -> None:
    from tinybert.base.extras import require_training_packages

    require_training_packages()


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, allow_nan=False))


def _parse(arguments: Sequence[str] | None, options: argparse.Namespace) -> None:
    """Reads options; texts may stand behind them too, which argparse alone refuses."""
    parser = _parser()
    _, left = parser.parse_known_args(arguments, options)
    if not left:
        return
    if not hasattr(options, "texts") or any(text[:1] == "-" != text for text in left):
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    options.texts += left


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tinybert",
        description="Makes a BERT-family model small and fast, and measures what that cost.",
    )
    parser.add_argument("--version", action="version", version=f"tinybert {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        added.add_argument("--json", action="store_true", help="print one JSON document")
        return added

    demo = command("demo", _demo, "Compresses a bundled model on bundled data; minutes.")
    demo.add_argument("--out", default="demo-out", metavar="DIR", help="default: demo-out")

    compress = command("compress", _compress, "Runs a recipe; run again, it goes on.")
    compress.add_argument("recipe", metavar="RECIPE.yaml")
    compress.add_argument("--out", default="out", metavar="DIR", help="default: out")
    compress.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="such as seed=1"
    )
    compress.add_argument("--fresh", action="store_true", help="start over")
    compress.add_argument(
        "--dry-run", action="store_true", help="check everything and print the resolved recipe"
    )

    evaluate = command("evaluate", _evaluate, "The task's metrics on any model or artifact.")
    evaluate.add_argument("model", metavar="MODEL")
    evaluate.add_argument("--task", required=True, metavar="KIND", help="such as glue/sst-2")
    evaluate.add_argument("--data", required=True, metavar="DATA")
    evaluate.add_argument("--text", action="append", metavar="COLUMN", help="twice for a pair")
    evaluate.add_argument("--label", metavar="COLUMN")
    evaluate.add_argument("--threads", type=int, metavar="N")

    bench = command("bench", _bench, "Size, speed and memory of models, side by side.")
    bench.add_argument("models", nargs="+", metavar="MODEL")
    bench.add_argument("--batch", type=int, default=1, metavar="N", help="default: 1")
    bench.add_argument("--length", type=int, default=128, metavar="N", help="default: 128")
    bench.add_argument("--threads", type=int, metavar="N", help="default: all cores")
    bench.add_argument("--repeats", type=int, default=100, metavar="N", help="default: 100")

    predict = command("predict", _predict, "Predictions for texts.")
    predict.add_argument("model", metavar="MODEL")
    predict.add_argument("texts", nargs="*", metavar="TEXT", help="- is standard input, by lines")
    predict.add_argument(
        "--file",
        metavar="F",
        help="a table, .csv .tsv .jsonl .parquet, read as training data is; .txt, or - for "
        "standard input: a text a line",
    )
    predict.add_argument(
        "--text",
        action="append",
        default=[],
        metavar="COLUMN",
        help="of the table, twice for a pair; default: as in training",
    )
    predict.add_argument(
        "--pair",
        action="store_true",
        help="every two TEXTs are a pair, or a line's two that a tab parts",
    )
    predict.add_argument(
        "--out",
        metavar="F",
        help="writes .jsonl, .csv or .tsv as predictions are made; --json then prints how many",
    )
    predict.add_argument("--threads", type=int, metavar="N")

    export = command("export", _export, "Exports a Hugging Face model and checks parity.")
    export.add_argument("model", metavar="MODEL")
    export.add_argument("--to", required=True, metavar="TARGET,...", help=", ".join(FORMATS))
    export.add_argument("--out", default="out", metavar="DIR", help="default: out")

    info = command("info", _info, "What a model is: structure, parameters, bytes, precision.")
    info.add_argument("model", metavar="MODEL")
    return parser
