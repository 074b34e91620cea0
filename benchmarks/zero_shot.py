"""Sentence encoders as classifiers that nobody trained: labels by what describes them.

    .venv/bin/python benchmarks/zero_shot.py MODEL... [--data ../shared/data/glue]

Accuracy on all BBC News articles, cut to what a model reads, and on SST-2's dev set, of each model:
all-MiniLM-L6-v2 where none is named. The descriptions were written once, before any figure was
seen.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from budgets import MINILM, bbc, sst2
from tinybert.formats.open import open_model
from tinybert.measure.evaluate import evaluate
from tinybert.measure.machine import describe_machine
from tinybert.runtime.zero_shot import ZeroShotClassifier
from tinybert.tasks.task import Examples

DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "BBC News": {
        "business": "business news: companies, markets, the economy",
        "entertainment": "entertainment news: films, music, celebrities",
        "politics": "politics news: government, parties, elections",
        "sports": "sport news: matches, players, teams",
        "tech": "technology news: computers, software, the internet",
    },
    "SST-2": {"0": "a bad, boring film", "1": "a great, wonderful film"},
}


def main() -> None:
    options = parse()
    print(json.dumps(describe_machine(2)))
    rows = {"BBC News": [*bbc()[0], *bbc()[1]], "SST-2": sst2(options.data / "SST-2", 1)[1]}
    for name in options.models:
        encoder = open_model(name)
        for title, labels in DESCRIPTIONS.items():
            model = ZeroShotClassifier(encoder, labels)
            ids = np.array([model.labels.index(label) for _, label in rows[title]])
            examples = Examples.of_texts([text for text, _ in rows[title]], ids, title)
            score = evaluate(model, examples)
            print(
                f"{name}: {title}: accuracy {score['metric']:.4f} ({score['metric_low']:.4f} to "
                f"{score['metric_high']:.4f}), {score['rows']} rows",
                flush=True,
            )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=[str(MINILM)])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/glue"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
