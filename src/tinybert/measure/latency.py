"""Time and memory of a shape, by what was measured of others.

A model's time is a sum of what its parts take, each a multiple of something that can be counted:
products, attention scores, values that go through a function. The multiples are those of this
machine and runtime, fitted to a few measured shapes; none is below 0.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression

from tinybert.modeling.expected_shape import ExpectedShape


def work(shape: ExpectedShape, length: int, batch: int, reads_first: bool) -> list[float]:
    """What a model of a shape has to do for a batch.

    Args:
        shape: Of the model.
        length: Tokens of a row.
        batch: Rows.
        reads_first: Whether the last layer is computed for the first position alone.

    Returns:
        One; layers; multiply-adds of linear layers; of attention; attention scores; values of
        hidden states; values of feed-forward blocks.

    Example:
        >>> shape = ExpectedShape("bert", layers=1, hidden_size=4, head_size=2,
        ...     head_counts=(2,), neuron_counts=(8,), embedding_size=4)
        >>> work(shape, length=10, batch=1, reads_first=False)
        [1.0, 1.0, 1280.0, 800.0, 200.0, 80.0, 80.0]
    """
    linear = products = scores = 0.0
    hidden = float(length * shape.hidden_size)
    inner = 0.0
    for number, (heads, neurons) in enumerate(
        zip(shape.head_counts, shape.neuron_counts, strict=True)
    ):
        tokens = length
        if shape.selects is not None and shape.selected is not None and number >= shape.selects:
            tokens = min(length, shape.selected)
        asked = 1 if reads_first and number == shape.layers - 1 else tokens
        width = heads * shape.head_size
        # Keys and values of all tokens; queries, outputs and neurons of those that are asked for.
        linear += shape.hidden_size * (2 * width * tokens + 2 * (width + neurons) * asked)
        products += 2 * asked * tokens * width
        scores += heads * asked * tokens
        hidden += asked * shape.hidden_size
        inner += asked * neurons
    sums = (linear, products, scores, hidden, inner)
    return [1.0, float(shape.layers), *(batch * each for each in sums)]


class Fitted:
    """A sum of multiples of what is counted, none below 0, with small relative errors.

    Args:
        counts: (points, counts).
        values: (points,), above 0.
    """

    def __init__(self, counts: Sequence[Sequence[float]], values: Sequence[float]) -> None:
        rows = np.asarray(counts, float)
        self._scale = np.maximum(rows.max(axis=0), 1e-12)
        wanted = np.asarray(values, float)[:, None]
        model = LinearRegression(positive=True, fit_intercept=False)
        model.fit(rows / self._scale / wanted, np.ones(len(rows)))
        self._multiples: NDArray[np.float64] = model.coef_

    def __call__(self, counts: Sequence[float]) -> float:
        """The value that is expected.

        Example:
            >>> round(Fitted([[1, 1], [1, 2], [1, 3]], [3, 5, 7])([1, 10]), 6)
            21.0
        """
        return float(np.asarray(counts, float) / self._scale @ self._multiples)
