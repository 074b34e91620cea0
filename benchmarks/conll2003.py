"""CoNLL-2003: entities by MiniLM-L6 and by an int8 student of it.

    .venv/bin/python benchmarks/conll2003.py [--data ../shared/data/conll2003]

The teacher is fine-tuned, a student of 4 x 312 starts from it, learns from it and is quantized
while it learns. Precision, recall and F1 are those of whole entities on all of test.txt, through
each file's own runtime. A GPU is used for training if PyTorch sees one; measurements are on the CPU
always. A run goes on where it stopped.
"""

import argparse
from pathlib import Path

from teacher_to_int8 import add_options, recipe, run

DATA = Path(__file__).parents[1] / "../shared/data/conll2003"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="has train.txt and test.txt")
    add_options(parser, out="runs/conll2003")
    options = parser.parse_args()
    data = {name: str(options.data / f"{file}.txt") for name, file in FILES.items()}
    run(options, recipe(options, "token-classification", data), ["f1", "precision", "recall"])


FILES = {"train": "train", "eval": "test"}


if __name__ == "__main__":
    main()
