"""Whether files keep 98% of what they are made from, and what is said of it."""

from collections.abc import Mapping
from typing import Any, Literal

from tinybert.measure.compare import AGREEMENT, SHARE

Verdict = Literal["kept", "not proven", "not kept"]

ENOUGH_ROWS = 150
"""Rows below which nothing is proven: where no row differs, 3 of as many still may (the rule of
three), and 3 of 150 are the 2% in question."""


def of_teacher(evaluation: Mapping[str, Any]) -> Verdict:
    """Whether a file keeps 98% of its teacher's metric, by the evaluation rows alone.

    The teacher knows the training rows by heart: they tell nothing of this.

    Args:
        evaluation: A `Comparison` with the teacher.
    """
    if evaluation["margin_high"] < 0:
        return "not kept"
    return "kept" if _proves(evaluation) else "not proven"


def of_student(evaluation: Mapping[str, Any], train: Mapping[str, Any] | None) -> Verdict:
    """Whether a quantized file keeps 98% of the fp32 student's metric.

    Training rows decide. Evaluation rows only veto, so that a file is not chosen by the very rows
    whose metric is reported.

    Args:
        evaluation: A `Comparison` with the fp32 student on evaluation rows.
        train: Likewise on training rows that the quantization was not fitted to, if there are any.
    """
    if evaluation["margin_high"] < 0:
        return "not kept"
    if train is None or train["rows"] < ENOUGH_ROWS:
        return "not proven"
    if train["margin"] < 0:
        return "not kept"
    by_metric = train["metric"] != AGREEMENT
    return "kept" if by_metric and _proves(train) and evaluation["margin"] >= 0 else "not proven"


def _proves(comparison: Mapping[str, Any]) -> bool:
    """Whether the interval lies above 98% of something that is worth keeping."""
    known = comparison["retention"] is not None and comparison["rows"] >= ENOUGH_ROWS
    return known and comparison["margin_low"] >= 0


def kept_lines(report: Mapping[str, Any]) -> list[str]:
    """What the files keep of their teacher, and quantized ones of the fp32 student, in words."""
    metric = report["task"]["metric"]
    files = {artifact["path"]: artifact["kept"] for artifact in report["artifacts"]}
    verdicts = {kept["of_teacher"]["verdict"] for kept in files.values()}
    none = ""
    if "kept" not in verdicts:
        none = ", not proven of any file" if "not proven" in verdicts else ", which no file keeps"
    told = "; ".join(
        f"{path} {kept['of_teacher']['verdict']}, {_share(kept['of_teacher']['eval'])}"
        for path, kept in files.items()
    )
    lines = [
        f"{SHARE} of the teacher's {metric}, by 95% intervals on the evaluation rows{none}: {told}"
    ]
    quantized = {path: kept["of_student"] for path, kept in files.items() if kept["of_student"]}
    for path, kept in quantized.items():
        lines.append(
            f"{SHARE} of the fp32 student's {metric}: {path} {kept['verdict']}, {_of_train(kept)}; "
            f"{_share(kept['eval'])} on the evaluation rows"
        )
    if quantized and {kept["verdict"] for kept in quantized.values()} == {"not kept"}:
        # A budget may leave no choice.
        so = "" if report["best"] in quantized else ": the best is in fp32"
        lines.append(f"No quantized file keeps {SHARE} of the fp32 student{so}.")
    return lines


def _of_train(kept: Mapping[str, Any]) -> str:
    train = kept["train"]
    if train is None:
        return "there are no training rows that its quantization was not fitted to"
    few = ", too few to tell" if train["rows"] < ENOUGH_ROWS else ""
    if train["metric"] == AGREEMENT:
        rows = f"{train['rows']} unlabeled training rows{few}"
        return f"answers as the fp32 student on {100 * train['value']:.1f}% of {rows}"
    held_out = "that qat learned from" if kept["learned"] else "held out from quantization"
    rows = f"{train['rows']} training rows {held_out}{few}"
    return f"{_share(train)} on {rows}"


def _share(comparison: Mapping[str, Any]) -> str:
    """The retention with its interval; both values where a share would say nothing."""
    if comparison["retention"] is None:
        return f"{comparison['value']:.4f}, against {comparison['base']:.4f}"
    kept, low, high = (
        100 * comparison[name] for name in ("retention", "retention_low", "retention_high")
    )
    return f"{kept:.1f}% ({low:.1f} to {high:.1f})"
