"""report.json as the table that the article has: size, latency, memory, metric."""

from collections.abc import Mapping
from typing import Any

from tinybert.measure.table import compared, grid


def report_table(report: Mapping[str, Any]) -> str:
    """One column a model, one row a figure, each with its ratio to the PyTorch teacher."""
    return f"{grid(report_rows(report))}\n{report_caption(report)}"


def report_rows(report: Mapping[str, Any]) -> list[list[str]]:
    """The table's cells, the first row and the first column being titles."""
    teacher = report["teacher"]
    metric = report["task"]["metric"]
    onnx = {**teacher["onnx"], "metric": teacher["metric"]}
    models = [
        ("teacher, PyTorch fp32", teacher),
        ("teacher, ONNX fp32", onnx),
        *((_title(artifact, report["best"]), artifact) for artifact in report["artifacts"]),
    ]
    rows: list[list[str]] = [["", *(title for title, _ in models)]]
    for name, key, scale, unit, below, above in (
        ("size", "bytes", 1e-6, "MB", "smaller", "larger"),
        ("parameters", "parameters", 1e-6, "M", "fewer", "more"),
        ("CPU latency", "latency_ms", 1.0, "ms", "faster", "slower"),
        ("memory", "peak_memory_mb", 1.0, "MB", "less", "more"),
    ):
        base = teacher[key] * scale
        cells = [compared(model[key] * scale, base, unit, below, above) for _, model in models]
        rows.append([name, *cells])
    rows.append([metric, *(_metric(model["metric"], teacher["metric"]) for _, model in models)])
    return rows


def report_caption(report: Mapping[str, Any]) -> str:
    """How and on what the table's figures were measured."""
    metric, at, machine = report["task"]["metric"], report["measured_at"], report["machine"]
    return (
        f"{metric} on all {report['task']['eval_rows']} evaluation rows; latency: median, "
        f"batch {at['batch']}, {at['length']} tokens, {at['threads']} threads, {machine['cpu']}"
    )


def _title(artifact: Mapping[str, Any], best: str) -> str:
    star = " (best)" if artifact["path"] == best else ""
    return f"{artifact['path']}{star}"


def _metric(value: float, base: float) -> str:
    kept = f" ({100 * value / base:.1f}%)" if base > 0 and value != base else ""
    return f"{value:.4f}{kept}"
