"""report.json: what was measured, and how it compares to the teacher."""

from collections.abc import Mapping, Sequence
from typing import Any

from tinybert.measure.bench import is_busy, times_faster
from tinybert.report.kept import of_student, of_teacher
from tinybert.report.promise import figures, nearest, verdicts, worst
from tinybert.tasks.task import Task

AS_FAST = 0.15
"""The share by which latencies of one run may differ by chance, on a busy machine."""


def build_report(
    measurements: Mapping[str, Any],
    task: Task,
    rows: int,
    steps: Sequence[Mapping[str, Any]],
    recipe: Mapping[str, Any],
    asked: Mapping[str, float] | None = None,
    expected: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Puts report.json together.

    Args:
        measurements: "teacher" and "artifacts", scores on the evaluation split, and "baseline", one
            or None; "single" and
            "batch", `BenchResult`s of the teacher, its ONNX file and the artifacts, in order;
            "asked", one of the artifacts as the budget times them, or None.
        task: The task, as it was calibrated for the student.
        rows: Of the evaluation split, of a search its queries.
        steps: What each step left, in order.
        recipe: With every default.
        asked: The budget's bounds; None where there are none.
        expected: Milliseconds of each artifact on the device that the budget names; None where it
            names none.
    """
    single, batch = measurements["single"]["models"], measurements["batch"]["models"]
    busy = is_busy(measurements["single"]["machine"])
    costs = [
        {
            "bytes": one["bytes"],
            "parameters": one["parameters"],
            "latency_ms": round(one["latency_ms"], 3),
            "latency_p95_ms": round(one["latency_p95_ms"], 3),
            "throughput_per_s": round(many["throughput_per_s"], 1),
            "peak_memory_mb": round(one["peak_memory_mb"], 1),
            "faster": None if busy else round(times_faster(single[0], one), 4),
            "faster_than_onnx": None if busy else round(times_faster(single[1], one), 4),
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
            "bytes_deployed": score["bytes_deployed"],
            **_score(score),
            "distance": round(score["distance"], 5),
            "parity": score["parity"],
            "kept": _kept(score),
        }
        for score, facts, cost in zip(measurements["artifacts"], single[2:], costs[2:], strict=True)
    ]
    budget = (
        None
        if asked is None
        else _budget(asked, recipe["budget"], artifacts, measurements, expected)
    )
    best = choose_best(artifacts) if budget is None else budget.pop("best")
    conditions = {key: measurements["single"][key] for key in ("batch", "length", "threads")}
    values = best["metric"], teacher["metric"]
    compared = best["kept"]["of_teacher"]["eval"]
    return {
        "schema": 1,
        "machine": measurements["single"]["machine"],
        "task": {
            "kind": task.kind,
            "metric": task.metric,
            "eval_rows": rows,
            **({"thresholds": task.label_thresholds} if task.label_thresholds else {}),
        },
        "measured_at": {
            **conditions,
            "throughput_batch": measurements["batch"]["batch"],
            "busy": busy,
        },
        "teacher": teacher,
        "artifacts": artifacts,
        "baseline": measurements["baseline"]
        and {
            "train_rows": measurements["baseline"]["train_rows"],
            **_score(measurements["baseline"]),
        },
        "best": best["path"],
        **({} if budget is None else {"budget": budget}),
        "ratios": {
            "retention": _ratio(*values if task.higher_is_better else values[::-1]),
            "retention_low": _rounded(compared["retention_low"]),
            "retention_high": _rounded(compared["retention_high"]),
            "smaller": _ratio(teacher["bytes"], best["bytes"]),
            "faster": best["faster"],
            "faster_than_onnx": best["faster_than_onnx"],
            "less_memory": _ratio(teacher["peak_memory_mb"], best["peak_memory_mb"]),
        },
        "steps": list(steps),
        "recipe": dict(recipe),
    }


def _budget(
    asked: Mapping[str, float],
    settings: Mapping[str, Any],
    artifacts: list[dict[str, Any]],
    measurements: Mapping[str, Any],
    expected: Sequence[float] | None,
) -> dict[str, Any]:
    """What was asked and what the best file has of it; that file is under "best"."""
    timed = measurements["asked"]
    machine = (timed or measurements["single"])["machine"]
    models = [None] * len(artifacts) if timed is None else timed["models"]
    times = [*expected] if expected else [None] * len(artifacts)
    got = [figures(*each) for each in zip(artifacts, models, times, strict=True)]
    strict = settings["strict"]
    bounds = [verdicts(asked, each, busy=is_busy(machine), strict=strict) for each in got]
    kept = [worst(each) for each in bounds]
    best = best_within(asked, nearest(artifacts, kept))
    place = artifacts.index(best)
    return {
        "asked": dict(asked),
        "at": {name: settings[name] for name in ("length", "batch", "threads", "device")},
        "strict": strict,
        "got": got[place],
        "bounds": bounds[place],
        "kept": kept[place],
        "best": best,
    }


def best_within(asked: Mapping[str, float], artifacts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The artifact to ship of those that keep a budget as well as any.

    With a drop and no size the smallest was asked for; else it is as without a budget.

    Args:
        asked: The bounds.
        artifacts: As report.json has them.

    Example:
        >>> files = [{"bytes_deployed": 9}, {"bytes_deployed": 4}]
        >>> best_within({"drop": 0.02}, files)
        {'bytes_deployed': 4}
    """
    if "drop" in asked and "size_mb" not in asked:
        return min(artifacts, key=lambda artifact: artifact["bytes_deployed"])
    return choose_best(artifacts)


def choose_best(artifacts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The artifact to ship: what the recipe asked for, unless it was seen to be worse.

    Where the recipe quantizes, that is a quantized one that keeps 98% of the fp32 student's
    metric, or of which nothing else is shown; else one that is not. Of several the fastest that is
    not shown to lose more than 2% of the teacher's metric, and of those about as fast the smallest.

    Args:
        artifacts: As report.json has them.

    Example:
        >>> def artifact(latency, size, of_student):
        ...     of_student = of_student and {"verdict": of_student}
        ...     kept = {"of_teacher": {"verdict": "not proven"}, "of_student": of_student}
        ...     return {"latency_ms": latency, "bytes": size, "kept": kept}
        >>> fp32, good = artifact(4.0, 400, None), artifact(2.0, 100, "kept")
        >>> bad = artifact(2.0, 100, "not kept")
        >>> choose_best([fp32, good]) is good, choose_best([fp32, bad]) is fp32
        (True, True)
    """
    asked = [each for each in artifacts if each["kept"]["of_student"] is not None]
    asked = [each for each in asked if each["kept"]["of_student"]["verdict"] != "not kept"]
    asked = asked or [each for each in artifacts if each["kept"]["of_student"] is None]
    good = [each for each in asked if each["kept"]["of_teacher"]["verdict"] != "not kept"]
    good = good or asked or list(artifacts)
    fastest = min(artifact["latency_ms"] for artifact in good)
    fast = [each for each in good if each["latency_ms"] <= fastest * (1 + AS_FAST)]
    return min(fast, key=lambda artifact: artifact["bytes"])


def _kept(score: Mapping[str, Any]) -> dict[str, Any]:
    """The comparisons of an artifact with what each of them shows."""
    teacher, student = score["of_teacher"], score["of_student"]
    if student is not None:
        student = {"verdict": of_student(student["eval"], student["train"]), **student}
    return {
        "of_teacher": {"verdict": of_teacher(teacher), "eval": teacher},
        "of_student": student,
    }


def _score(score: Mapping[str, Any]) -> dict[str, Any]:
    names = ("metric", "metric_low", "metric_high", "metrics")
    return {name: score[name] for name in names}


def _ratio(numerator: float, denominator: float) -> float | None:
    """None where it has no meaning, as for a teacher whose metric is 0."""
    return round(numerator / denominator, 4) if denominator > 0 else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
