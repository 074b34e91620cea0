"""The command `tinybert bench`."""

import argparse

from tinybert.cli.printing import print_json

HELP = "Size, speed and memory of models, side by side."
EXAMPLES = (
    "tinybert bench teacher out",
    "tinybert bench teacher out/onnx/model.onnx --batch 8 --length 64 --threads 1",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what it takes."""
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--batch", type=int, default=1, metavar="N", help="default: 1")
    parser.add_argument("--length", type=int, default=128, metavar="N", help="default: 128")
    parser.add_argument("--threads", type=int, metavar="N", help="default: all cores")
    parser.add_argument("--repeats", type=int, default=100, metavar="N", help="default: 100")


def run(options: argparse.Namespace) -> None:
    """Prints what models cost."""
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
        print_json(result.as_json())
    else:
        print(bench_table(result))
