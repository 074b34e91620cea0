"""report.json as the table that the article has: size, latency, memory, metric."""

from collections.abc import Mapping
from typing import Any

from tinybert.measure.bench import busy_words
from tinybert.measure.table import BUSY_MARK, compared, figure, grid, threshold_words, times
from tinybert.report.kept import kept_lines
from tinybert.report.promise import frontier_lines, promise_lines
from tinybert.tasks.metrics import LOWER_IS_BETTER


def report_table(report: Mapping[str, Any]) -> str:
    """One column a model, one row a figure, each with its ratio to the PyTorch teacher."""
    promise, notes = promise_lines(report), report_notes(report)
    lines = [*promise, *frontier_lines(report), *([""] if promise else [])]
    return "\n".join(
        [*lines, grid(report_rows(report)), report_caption(report), *notes[len(promise) :]]
    )


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
        ("memory", "peak_memory_mb", 1.0, "MB", "less", "more"),
    ):
        base = teacher[key] * scale
        cells = [compared(model[key] * scale, base, unit, below, above) for _, model in models]
        rows.append([name, *cells])
    rows.insert(3, ["CPU latency", *(_latency(model) for _, model in models)])
    rows.append([metric, *(_metric(model) for _, model in models)])
    if report["task"].get("labels") == "teacher":
        # Answers may agree while scores do not: of rows without labels there is nothing else.
        cells = [_distance(model) for _, model in models]
        rows.append(["distance", *cells])
    return rows


def report_caption(report: Mapping[str, Any]) -> str:
    """How and on what the table's figures were measured."""
    metric, at, machine = report["task"]["metric"], report["measured_at"], report["machine"]
    if report["task"].get("labels") == "teacher":
        metric = (
            f"no labels: {metric} with the teacher's answers, and the distance of its scores (KL "
            "divergence; of values, the mean squared error),"
        )
    elif report["task"].get("labels") == "soft":
        metric = f"no labels: {metric} with the likeliest of the soft labels,"
    lower = " (lower is better)" if metric in LOWER_IS_BETTER else ""
    return (
        f"{metric}{lower} on all {report['task']['eval_rows']} evaluation rows; latency: median, "
        f"batch {at['batch']}, {at['length']} tokens, {at['threads']} threads, {machine['cpu']}"
    )


def report_notes(report: Mapping[str, Any]) -> list[str]:
    """What has to be said of the table's figures: a busy machine, what was kept and what not."""
    busy = [busy_words(report["machine"])] if report["measured_at"]["busy"] else []
    thresholds = report["task"].get("thresholds")
    labels = [threshold_words(thresholds)] if thresholds else []
    parts = _parts(report)
    return [*promise_lines(report), *busy, *labels, *parts, *kept_lines(report), *_baseline(report)]


def _parts(report: Mapping[str, Any]) -> list[str]:
    """The metrics of each of several tasks, of their teachers and of the best file."""
    teacher = report["teacher"]
    if "models" not in teacher:
        return []
    best = next(each for each in report["artifacts"] if each["path"] == report["best"])
    pairs = [
        f"{name} {best['metrics'][name]:.4f} ({value:.4f})"
        for name, value in teacher["metrics"].items()
        if name != report["task"]["metric"]
    ]
    return [
        f"{report['best']} (its teachers): {', '.join(pairs)}",
        f"the teacher is {teacher['models']} models, which are run one after another",
    ]


def _baseline(report: Mapping[str, Any]) -> list[str]:
    """What TF-IDF comes to, and whether a transformer is worth its price."""
    found = report.get("baseline")  # reports of older versions have none
    if found is None:
        return []
    metric = report["task"]["metric"]
    sign = -1 if metric in LOWER_IS_BETTER else 1
    best = next((each for each in report["artifacts"] if each["path"] == report["best"]), None)
    enough = best is not None and sign * (found["metric"] - best["metric"]) >= 0
    so = f": no worse than {report['best']}, and far cheaper" if enough else ""
    return [
        f"TF-IDF with a linear model, of {found['train_rows']} training rows: {metric} "
        f"{found['metric']:.4f} ({found['metric_low']:.4f} to {found['metric_high']:.4f}){so}"
    ]


def _title(artifact: Mapping[str, Any], best: str) -> str:
    star = " (best)" if artifact["path"] == best else ""
    return f"{artifact['path']}{star}"


def _latency(model: Mapping[str, Any]) -> str:
    ratio = BUSY_MARK if model["faster"] is None else times(model["faster"], "faster", "slower")
    return figure(model["latency_ms"], "ms") + ratio


def _distance(model: Mapping[str, Any]) -> str:
    return "-" if "distance" not in model else f"{model['distance']:.4f}"


def _metric(model: Mapping[str, Any]) -> str:
    """The metric with its share of the teacher's, unless chance alone may make the difference."""
    text = f"{model['metric']:.4f}"
    compared = model["kept"]["of_teacher"]["eval"] if "kept" in model else None
    if compared is None or compared["retention"] is None or compared["value"] == compared["base"]:
        return text
    low, high = 100 * compared["retention_low"], 100 * compared["retention_high"]
    spread = f"{low:.1f} to {high:.1f}%"
    if low <= 100 <= high:
        return f"{text} (within noise: {spread})"
    return f"{text} ({100 * compared['retention']:.1f}%: {spread})"
