import numpy as np
import pytest

from tinybert.measure.guess import constant_guess, no_better_than_constant
from tinybert.tasks import get_task
from tinybert.tasks.task import Examples


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
    rows = Examples.of_texts(["text"] * len(labels), np.array(labels), "rows")
    assert constant_guess(get_task(kind), rows) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("kind", "labels", "score", "warns"),
    [
        ("glue/sst-2", [0, 0, 0, 1], (0.75, 0.5, 1.0), True),
        ("glue/sst-2", [0, 0, 0, 1], (0.76, 0.5, 1.0), False),
        ("glue/sts-b", [1.0, 2.0, 3.0], (0.0, 0.0, 0.0), True),
        ("glue/sts-b", [1.0, 2.0, 3.0], (0.3, -0.1, 0.6), True),
        ("glue/sts-b", [1.0, 2.0, 3.0], (-0.3, -0.6, -0.1), True),
        ("glue/sts-b", [1.0, 2.0, 3.0], (0.3, 0.1, 0.6), False),
        ("glue/cola", [0, 0, 1], (0.03, -0.02, 0.08), True),
        ("glue/cola", [0, 0, 1], (0.2, 0.15, 0.25), False),
    ],
)
def test_a_correlation_must_be_clearly_above_0(kind, labels, score, warns):
    rows = Examples.of_texts(["text"] * len(labels), np.array(labels), "dev.tsv")
    reached = dict(zip(("metric", "metric_low", "metric_high"), score, strict=True))
    message = no_better_than_constant(reached, get_task(kind), rows)
    assert (message is not None) == warns
    assert not warns or "better than always giving one answer" in message
