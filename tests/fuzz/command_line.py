"""The program, on whole files, with an option of another kind."""

import contextlib
import io
import shutil
from pathlib import Path

from fuzz import mutators
from fuzz.mutators import Dice
from tinybert.base.errors import InputError


def command_line(dice: Dice, base: Path, work: Path) -> None:
    """Options of the program, on whole files."""
    from tinybert.cli import main as cli

    for name in ("reviews.jsonl", "corpus.txt"):
        shutil.copy(base / name, work)
    out = str(base / "out")
    data = ["--task", "text-classification", "--data", "reviews.jsonl"]
    words = dice.choice(
        [
            ["predict", out, "good", "--threads", "1"],
            ["predict", out, "--file", "corpus.txt"],
            ["evaluate", out, *data, "--text", "sentence", "--label", "label", "--threads", "1"],
            ["info", out],
        ]
    )
    at = dice.randrange(1, len(words))
    odd = [*mutators.ODD_TEXTS, *map(str, mutators.ODD_NUMBERS), "100000", "/dev/zero", "."]
    words[at] = dice.choice(odd)
    if "\x00" in words[at]:
        words[at] = "x"  # no command line can hold it
    said, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(errors):
        try:
            code = cli.main(words)
        except SystemExit as stopped:  # of argparse, with its usage
            code = 0 if stopped.code == 2 else 1
    if code:
        raise InputError(errors.getvalue().replace("tinybert: error: ", "--set ").rstrip("\n"))
