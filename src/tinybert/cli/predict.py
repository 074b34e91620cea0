"""The command `tinybert predict`."""

import argparse
from pathlib import Path

from tinybert.cli.describe import add_describe, described
from tinybert.cli.printing import counted, print_json
from tinybert.cli.writing import add_writing, set_writing

HELP = "Predictions for texts, or how they go on."
EXAMPLES = (
    'tinybert predict out "a great film" dull',
    "tinybert predict out --file reviews.csv --text review --out labeled.jsonl",
    "zcat texts.gz | tinybert predict out -",
    'tinybert predict writer "Once upon a time" --max-new-tokens 40 --temperature 0.8 --seed 1',
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what it takes."""
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="- is standard input, by lines")
    parser.add_argument(
        "--file",
        metavar="F",
        help="a table, .csv .tsv .jsonl .parquet, read as training data is; .txt, or - for "
        "standard input: a text a line",
    )
    parser.add_argument(
        "--text",
        action="append",
        default=[],
        metavar="COLUMN",
        help="of the table, twice for a pair; default: as in training",
    )
    parser.add_argument(
        "--pair",
        action="store_true",
        help="every two TEXTs are a pair, or a line's two that a tab parts",
    )
    parser.add_argument(
        "--out",
        metavar="F",
        help="writes .jsonl, .csv or .tsv as predictions are made; --json then prints how many",
    )
    add_describe(parser)
    add_writing(parser)
    parser.add_argument("--threads", type=int, metavar="N")


def run(options: argparse.Namespace) -> None:
    """Prints or writes predictions."""
    from tinybert.cli.predictions import check_target, predict_all, write_predictions
    from tinybert.cli.texts import TextInput
    from tinybert.formats.open import open_model
    from tinybert.tasks.pairs import texts_per_input

    given = TextInput(options.texts, options.file, options.text, options.pair)
    if options.out is not None:
        check_target(options.out, options.file)
    model = described(open_model(options.model, options.threads), options)
    set_writing(model, options)
    answered = predict_all(model, given.rows(model.task, texts_per_input(model.config)))
    if options.out is not None:
        columns = tuple(options.text) or model.task.text
        count = write_predictions(Path(options.out), answered, model.task, columns)
        if options.json:
            print_json({"out": options.out, "predictions": count})
        else:
            print(f"{options.out}: {counted(count, 'prediction')}")
    elif options.json:
        print_json({"predictions": [prediction for _, prediction in answered]})
    else:
        for _, prediction in answered:
            print(model.task.line(prediction))
