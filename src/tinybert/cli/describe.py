"""The option `--describe`, by which a sentence encoder classifies without a training for it."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinybert.runtime.model import Model


def add_describe(parser: argparse.ArgumentParser) -> None:
    """Adds the option."""
    parser.add_argument(
        "--describe",
        action="append",
        metavar="LABEL=TEXT|FILE.json",
        help="of a sentence encoder: a label and what it is about, once for each or oftener; it "
        "answers with the nearest",
    )


def described(model: "Model", options: argparse.Namespace) -> "Model":
    """The model, as a classifier where labels are described.

    Raises:
        InputError: It is no sentence encoder, or what describes labels is broken.
    """
    if options.describe is None:
        return model
    from tinybert.runtime.zero_shot import ZeroShotClassifier, read_descriptions

    return ZeroShotClassifier(model, read_descriptions(options.describe))
