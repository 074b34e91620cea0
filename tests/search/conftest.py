"""A tiny teacher that knows something, and rows to search on."""

import random

import pytest
from tests.conftest import WORDS


def reviews_csv(path, rows, seed):
    """Texts of words, positive where there are more good ones than bad ones."""
    dice = random.Random(seed)
    lines = ["text,label"]
    for _ in range(rows):
        words = [dice.choice(WORDS) for _ in range(dice.randint(3, 9))]
        good = dice.random() < 0.5
        words.insert(dice.randrange(len(words)), "good" if good else "awful")
        lines.append(f"{' '.join(words)},{'positive' if good else 'negative'}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def searched_rows(tmp_path_factory):
    """Paths of training and evaluation rows."""
    folder = tmp_path_factory.mktemp("searched")
    return reviews_csv(folder / "train.csv", 400, 0), reviews_csv(folder / "dev.csv", 60, 1)
