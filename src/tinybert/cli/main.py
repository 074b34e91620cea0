"""The `tinybert` program: finds the command, and runs it."""

import argparse
import importlib
import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tinybert import __version__
from tinybert.cli.program import WRONG_INPUT, run_program

COMMANDS = (
    "demo",
    "compress",
    "evaluate",
    "bench",
    "profile",
    "predict",
    "augment",
    "export",
    "info",
    "steps",
    "completion",
)
"""Each is a file of this folder: `HELP`, `add_options(parser)` and `run(options)`,
which may give an exit code."""


_NEGATIVE = re.compile(r"-[\d.]")
"""How values begin that are too low for every option that takes one."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code, see `run_program`."""
    options = argparse.Namespace()

    def command() -> int | None:
        _parse(arguments, options)
        logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
        # Set before these libraries are imported: what they say is not for our users.
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        os.environ.setdefault("TQDM_DISABLE", "1")
        code: int | None = options.run(options)
        return code

    return run_program(command, lambda: Path(out) if (out := getattr(options, "out", "")) else None)


def _parse(arguments: Sequence[str] | None, options: argparse.Namespace) -> None:
    """Reads options; texts may stand behind them too, which argparse alone refuses."""
    parser = make_parser()
    _, left = parser.parse_known_args(arguments, options)
    if not left:
        return
    if not hasattr(options, "texts") or any(text[:1] == "-" != text for text in left):
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    options.texts += left


class _Parser(argparse.ArgumentParser):
    """Refuses options in one line: the usage of `compress` alone has nine, and hides the fault."""

    def error(self, message: str) -> NoReturn:
        """Says what is wrong, and where to look."""
        self.exit(WRONG_INPUT, f"tinybert: error: {message} (see {self.prog} --help)\n")


def make_parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    parser = _Parser(
        prog="tinybert",
        description="Makes a BERT-family model small and fast, and measures what that cost.",
    )
    parser.add_argument("--version", action="version", version=f"tinybert {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    for name in COMMANDS:
        module = importlib.import_module(f"tinybert.cli.{name}")
        command = commands.add_parser(
            name,
            help=module.HELP,
            description=module.HELP,
            epilog="\n  ".join(["examples:", *module.EXAMPLES]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(run=module.run)
        # Or argparse takes -1% for an option, and says of the one before that it has no value.
        command._negative_number_matcher = _NEGATIVE
        command.add_argument("--json", action="store_true", help="print one JSON document")
        module.add_options(command)
    return parser
