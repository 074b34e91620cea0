"""The command `tinybert export`."""

import argparse
import sys
from pathlib import Path

from tinybert.base.extras import require_training_packages
from tinybert.cli.printing import print_json
from tinybert.formats.registry import FORMATS, find_format

HELP = "Exports a Hugging Face model and checks parity."
EXAMPLES = ("tinybert export teacher --to onnx --out exported",)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what it takes."""
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--to", required=True, metavar="TARGET,...", help=", ".join(FORMATS))
    parser.add_argument("--out", default="out", metavar="DIR", help="default: out")


def run(options: argparse.Namespace) -> None:
    """Writes a model in other formats."""
    require_training_packages()
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
    parity: dict[str, dict[str, float]] = {}

    def checked(target: str, difference: float) -> None:
        parity[target] = {"max_abs_diff": difference}

    paths = export(model, tokenizer, out, targets, checked)
    files = {name: str(path) for name, path in paths.items()}
    if options.json:
        print_json({"files": files, "parity": parity})
        return
    for name, path in files.items():
        print(path)
        difference = parity[name]["max_abs_diff"]
        print(
            f"tinybert: {path}: its logits differ from PyTorch's by {difference:.1g} at most, on "
            "random tokens",
            file=sys.stderr,
        )
