"""The command `tinybert info`."""

import argparse

from tinybert.cli.printing import print_json

HELP = "What a model is: structure, parameters, bytes, precision."
EXAMPLES = (
    "tinybert info out",
    "tinybert info out/onnx/model_quantized.onnx --json",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what it takes."""
    parser.add_argument("model", metavar="MODEL")


def run(options: argparse.Namespace) -> None:
    """Prints what a model is."""
    from tinybert.measure.info import describe, info_text

    info = describe(options.model)
    if options.json:
        print_json(info)
    else:
        print(info_text(info))
