import pytest


@pytest.fixture
def measurements():
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
        }

    models = [
        cost("teacher", "fp32", 8),
        cost("teacher.onnx", "fp32", 4),
        cost("onnx/model.onnx", "fp32", 2),
        cost("onnx/model_quantized.onnx", "int8", 1),
    ]
    score = {"rows": 10, "metric": 0.9, "metric_low": 0.8, "metric_high": 1.0, "metrics": {}}
    parity = {"max_abs_diff": 0.0, "agreement": 1.0}
    run = {"machine": {"cpu": "a cpu"}, "length": 128, "threads": 2, "models": models}
    return {
        "teacher": score,
        "artifacts": [{"path": m["model"], **score, "parity": parity} for m in models[2:]],
        "single": run | {"batch": 1},
        "batch": run | {"batch": 8},
    }
