"""The `tinybert` program: parses, calls the API, prints."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinybert import __version__
from tinybert.distributed import is_main
from tinybert.errors import InputError
from tinybert.terminal import ProgressDisplay
from tinybert.threads import wait_passively


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code: 0 done, 2 wrong input, 1 our fault."""
    options = _parse(arguments)
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    # Set before these libraries are imported: what they say is not for our users.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")
    try:
        options.run(options)
    except InputError as error:
        print(f"tinybert: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("tinybert: interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


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
    from tinybert.recipe import Recipe

    recipe = Recipe.read(options.recipe, options.set)
    if options.dry_run:
        from tinybert.inputs import read_inputs

        read_inputs(recipe)
        if is_main() and options.json:
            _print_json(recipe.resolved())
        elif is_main():
            print(recipe.to_yaml(), end="")
        return
    from tinybert.compression import compress

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
    from tinybert.measure.evaluate import evaluate
    from tinybert.models import open_model
    from tinybert.tasks import get_task

    model = open_model(options.model, options.threads)
    task = get_task(_task_spec(options), model.task)
    examples = task.examples(read(options.data, "eval", task.layout))
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
    from tinybert.models import open_model
    from tinybert.texts import read_texts

    texts = read_texts(options.texts, options.file, options.pair)
    model = open_model(options.model, options.threads)
    if len(model.task.text) == 2 and any(isinstance(text, str) for text in texts):
        raise InputError(
            f"{options.model}: reads pairs; give --pair and two texts, or a file with tabs between"
        )
    predictions = model(texts)
    if options.json:
        _print_json({"predictions": predictions})
        return
    for prediction in predictions:
        if "value" in prediction:
            print(f"{prediction['value']:.4f}")
        else:
            print(f"{prediction['label']}\t{prediction['score']:.4f}")


def _export(options: argparse.Namespace) -> None:
    _require_training()
    from tinybert.export import export, find_target
    from tinybert.huggingface import load_tokenizer
    from tinybert.models import load_student, student_folder
    from tinybert.workspace import make_folder

    targets = [target.strip() for target in options.to.split(",")]
    for target in targets:
        find_target(target)
    out = Path(options.out)
    if (out / "report.json").exists():
        raise InputError(f"{out}: holds what `compress` made; give another folder by --out")
    model = load_student(options.model)
    tokenizer = load_tokenizer(student_folder(options.model))
    make_folder(out)
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
    from tinybert.extras import require_training_packages

    require_training_packages()


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options, with texts that stand behind an option too, which argparse alone refuses."""
    parser = _parser()
    options, left = parser.parse_known_args(arguments)
    if not left:
        return options
    if not hasattr(options, "texts") or any(text.startswith("-") for text in left):
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    options.texts += left
    return options


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
    predict.add_argument("texts", nargs="*", metavar="TEXT")
    predict.add_argument("--file", metavar="F", help="one text a line, a pair joined by a tab")
    predict.add_argument("--pair", action="store_true", help="two TEXTs are one pair")
    predict.add_argument("--threads", type=int, metavar="N")

    export = command("export", _export, "Exports a Hugging Face model and checks parity.")
    export.add_argument("model", metavar="MODEL")
    export.add_argument("--to", required=True, metavar="TARGET,...", help="onnx, openvino")
    export.add_argument("--out", default="out", metavar="DIR", help="default: out")

    info = command("info", _info, "What a model is: structure, parameters, bytes, precision.")
    info.add_argument("model", metavar="MODEL")
    return parser
