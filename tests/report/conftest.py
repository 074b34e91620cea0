import pytest


@pytest.fixture
def comparison():
    """Makes a `Comparison` of a retention with its interval; the base is 0.9."""

    def make(retention=1.0, low=None, high=None, *, rows=500, metric="accuracy"):
        low, high = (retention if end is None else end for end in (low, high))
        margins = ("margin", retention), ("margin_low", low), ("margin_high", high)
        return {
            "rows": rows,
            "metric": metric,
            "value": 0.9 * retention,
            "base": 0.9,
            "retention": retention,
            "retention_low": low,
            "retention_high": high,
            **{name: 0.9 * (end - 0.98) for name, end in margins},
        }

    return make


@pytest.fixture
def measurements(comparison):
    def cost(name, precision, factor):
        return {
            "model": name,
            "format": "onnx",
            "precision": precision,
            "bytes": 1_000_000 * factor,
            "parameters": 250_000 * factor,
            "latency_ms": 1.0 * factor,
            "latency_p95_ms": 2.0 * factor,
            "throughput_per_s": 1000.0 / factor,
            "peak_memory_mb": 50.0 * factor,
            "runs_ms": [0.9 * factor, 1.0 * factor, 20.0 * factor],
        }

    models = [
        cost("teacher", "fp32", 8),
        cost("teacher.onnx", "fp32", 4),
        cost("onnx/model.onnx", "fp32", 2),
        cost("onnx/model_quantized.onnx", "int8", 1),
    ]
    score = {"rows": 10, "metric": 0.9, "metric_low": 0.8, "metric_high": 1.0, "metrics": {}}
    parity = {"max_abs_diff": 0.0, "agreement": 1.0}
    run = {"machine": {"cpu": "a cpu", "busy": 0.01}, "length": 128, "threads": 2, "models": models}
    fp32, int8 = (
        {
            "path": model["model"],
            "bytes_deployed": model["bytes"] + 700_000,
            **score,
            "distance": 0.01,
            "parity": parity,
            "of_teacher": comparison(),
        }
        for model in models[2:]
    )
    fp32["of_student"] = None
    int8["of_student"] = {"eval": comparison(), "train": comparison(), "learned": False}
    return {
        "teacher": score,
        "artifacts": [fp32, int8],
        "baseline": {**score, "train_rows": 40, "metric": 0.7},
        "single": run | {"batch": 1},
        "batch": run | {"batch": 8},
    }
