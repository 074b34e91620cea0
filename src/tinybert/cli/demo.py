"""The command `tinybert demo`."""

import argparse

from tinybert.base.extras import require_training_packages
from tinybert.base.threads import wait_passively
from tinybert.cli.printing import print_result
from tinybert.cli.terminal import ProgressDisplay

HELP = "Compresses a bundled model on bundled data; minutes."
EXAMPLES = ("tinybert demo --out demo-out",)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what it takes."""
    parser.add_argument("--out", default="demo-out", metavar="DIR", help="default: demo-out")


def run(options: argparse.Namespace) -> None:
    """Compresses a bundled model."""
    wait_passively()
    require_training_packages()
    from tinybert.demo.run import demo

    with ProgressDisplay() as display:
        result = demo(options.out, progress=display)
    print_result(result, options)
