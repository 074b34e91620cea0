import numpy as np
import pytest

from tinybert.measure.guess import constant_guess
from tinybert.tasks import get_task
from tinybert.tasks.base import Examples


@pytest.mark.parametrize(
    ("kind", "labels", "expected"),
    [
        ("glue/sst-2", [0, 0, 0, 1], 0.75),
        ("glue/cola", [0, 0, 0, 1], 0.0),
        ("glue/mrpc", [0, 1, 1, 1], 2 * 0.75 / 1.75),
        ("glue/sts-b", [1.0, 2.0, 3.0, 5.0], 0.0),
    ],
)
def test_guesses(kind, labels, expected):
    rows = Examples(["text"] * len(labels), np.array(labels), "rows")
    assert constant_guess(get_task(kind), rows) == pytest.approx(expected)
