"""What several models cost that are run one after another, as the teachers of several tasks are."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def in_turn(models: Sequence[Mapping[str, Any]], batch: int) -> dict[str, Any]:
    """The costs of models of which each answers every row, as if they were one.

    Args:
        models: `ModelBench`es as JSON has them, of one `bench`.
        batch: Rows of a run.

    Returns:
        The same for all together: times and sizes are added up. Memory is that of the largest
        process: each had the runtime in it.

    Example:
        >>> one = {"model": "a", "format": "onnx", "precision": "fp32", "bytes": 5, "parameters": 1,
        ...     "peak_memory_mb": 70.0, "runs_ms": [2.0, 4.0]}
        >>> both = in_turn([one, {**one, "model": "b"}], batch=1)
        >>> both["bytes"], both["latency_ms"], both["model"]
        (10, 6.0, 'a + b')
    """
    if len(models) == 1:
        return dict(models[0])
    runs = np.sum([model["runs_ms"] for model in models], axis=0)
    return {
        **models[0],
        "model": " + ".join(model["model"] for model in models),
        "bytes": sum(model["bytes"] for model in models),
        "parameters": sum(model["parameters"] for model in models),
        "latency_ms": float(np.median(runs)),
        "latency_p95_ms": float(np.quantile(runs, 0.95)),
        "throughput_per_s": 1000 * batch * len(runs) / float(runs.sum()),
        "peak_memory_mb": max(model["peak_memory_mb"] for model in models),
        "runs_ms": runs.round(4).tolist(),
    }
