"""report.json: what was measured, and how it compares to the teacher."""

from collections.abc import Mapping, Sequence
from typing import Any

from tinybert.tasks.base import Task

MOST_LOST = 0.02
"""The share of the teacher's metric that the fastest artifact may lose and still be called the
best: the articles' limit for GLUE."""

AS_FAST = 0.15
"""The share by which latencies of one run may differ by chance, on a busy machine."""


def build_report(
    measurements: Mapping[str, Any],
    task: Task,
    rows: int,
    steps: Sequence[Mapping[str, Any]],
    recipe: Mapping[str, Any],
) -> dict[str, Any]:
    """Puts report.json together.

    Args:
        measurements: "teacher" and "artifacts", scores on the evaluation split; "single" and
            "batch", `BenchResult`s of the teacher, its ONNX file and the artifacts, in order.
        task: The task.
        rows: Of the evaluation split.
        steps: What each step left, in order.
        recipe: With every default.
    """
    single, batch = measurements["single"]["models"], measurements["batch"]["models"]
    costs = [
        {
            "bytes": one["bytes"],
            "parameters": one["parameters"],
            "latency_ms": round(one["latency_ms"], 3),
            "latency_p95_ms": round(one["latency_p95_ms"], 3),
            "throughput_per_s": round(many["throughput_per_s"], 1),
            "peak_memory_mb": round(one["peak_memory_mb"], 1),
        }
        for one, many in zip(single, batch, strict=True)
    ]
    teacher = {**costs[0], **_score(measurements["teacher"]), "onnx": costs[1]}
    artifacts = [
        {
            "path": score["path"],
            "format": facts["format"],
            "precision": facts["precision"],
            **cost,
            **_score(score),
            "parity": score["parity"],
        }
        for score, facts, cost in zip(measurements["artifacts"], single[2:], costs[2:], strict=True)
    ]
    best = choose_best(artifacts, teacher["metric"])
    conditions = {key: measurements["single"][key] for key in ("batch", "length", "threads")}
    return {
        "schema": 1,
        "machine": measurements["single"]["machine"],
        "task": {"kind": task.kind, "metric": task.metric, "eval_rows": rows},
        "measured_at": {**conditions, "throughput_batch": measurements["batch"]["batch"]},
        "teacher": teacher,
        "artifacts": artifacts,
        "best": best["path"],
        "ratios": {
            "retention": _ratio(best["metric"], teacher["metric"]),
            "smaller": _ratio(teacher["bytes"], best["bytes"]),
            "faster": _ratio(teacher["latency_ms"], best["latency_ms"]),
            "faster_than_onnx": _ratio(teacher["onnx"]["latency_ms"], best["latency_ms"]),
            "less_memory": _ratio(teacher["peak_memory_mb"], best["peak_memory_mb"]),
        },
        "steps": list(steps),
        "recipe": dict(recipe),
    }


def choose_best(artifacts: Sequence[dict[str, Any]], teacher_metric: float) -> dict[str, Any]:
    """The fastest artifact that keeps 98% of the teacher's metric, else the most accurate.

    Of those about as fast, the smallest.

    Example:
        >>> fast = {"metric": 0.89, "latency_ms": 2.0, "bytes": 100}
        >>> exact = {"metric": 0.90, "latency_ms": 4.0, "bytes": 400}
        >>> choose_best([fast, exact], 0.90) is fast, choose_best([fast, exact], 0.95) is exact
        (True, True)
    """
    enough = teacher_metric - MOST_LOST * abs(teacher_metric)
    good = [artifact for artifact in artifacts if artifact["metric"] >= enough]
    if good:
        fastest = min(artifact["latency_ms"] for artifact in good)
        fast = [each for each in good if each["latency_ms"] <= fastest * (1 + AS_FAST)]
        return min(fast, key=lambda artifact: artifact["bytes"])
    return max(artifacts, key=lambda artifact: artifact["metric"])


def _score(score: Mapping[str, Any]) -> dict[str, Any]:
    names = ("metric", "metric_low", "metric_high", "metrics")
    return {name: score[name] for name in names}


def _ratio(numerator: float, denominator: float) -> float | None:
    """None where it has no meaning, as for a teacher whose metric is 0."""
    return round(numerator / denominator, 4) if denominator > 0 else None
