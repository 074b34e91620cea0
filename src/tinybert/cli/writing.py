"""The options by which a causal language model goes on with texts."""

import argparse
from dataclasses import fields
from typing import TYPE_CHECKING

from tinybert.base.errors import InputError

if TYPE_CHECKING:
    from tinybert.runtime.model import Model


def add_writing(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    group = parser.add_argument_group("of models that write texts")
    group.add_argument(
        "--max-new-tokens", type=int, metavar="N", help="most tokens of an answer; default: 64"
    )
    group.add_argument(
        "--temperature",
        type=float,
        metavar="T",
        help="draws each token, the likeliest less surely the higher it is; default: 0, always the "
        "likeliest",
    )
    group.add_argument("--top-k", type=int, metavar="K", help="draws from the K likeliest tokens")
    group.add_argument(
        "--top-p", type=float, metavar="P", help="draws from the likeliest that have this share"
    )
    group.add_argument("--seed", type=int, metavar="N", help="of the draws; default: 0")


def set_writing(model: "Model", options: argparse.Namespace) -> None:
    """Lets a model go on with texts as the options say.

    Raises:
        InputError: It writes none, or a value is impossible.
    """
    from tinybert.runtime.writing import Writing

    names = [field.name for field in fields(Writing)]
    given = {name: value for name in names if (value := getattr(options, name)) is not None}
    if not given:
        return
    if not model.task.writes:
        flag = next(iter(given)).replace("_", "-")
        raise InputError(f"--{flag}: {model.path} does {model.task.kind}, and writes no texts")
    model.writing = Writing(**given)
