"""Whether a file keeps a budget, and how that is said."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from tinybert.measure.table import figure, grid

Kept = Literal[True, "within noise", "unknown", False]

_WORST_FIRST: tuple[Kept, ...] = (False, "unknown", "within noise", True)

_NAMES = {"size_mb": "size", "latency_ms": "latency", "memory_mb": "memory", "drop": "drop"}
MOST_SHOWN = 8
"""Candidates of a frontier that are printed."""

_HIGH = {"drop": "drop_high", "latency_ms": "latency_high"}
"""Where the worse end of a figure is."""

WITHIN = 0.2
"""The share by which an expected time may be off: the worst of 20 random shapes
(benchmarks/results/predicted-costs.md)."""

_UNITS = {"size_mb": "MB", "latency_ms": "ms", "memory_mb": "MB"}


def figures(
    artifact: Mapping[str, Any],
    timed: Mapping[str, Any] | None,
    expected: float | None = None,
) -> dict[str, Any]:
    """What a file has of all that a budget may bound.

    Args:
        artifact: As report.json has it.
        timed: A `ModelBench` of it with the budget's batch, length and threads, as JSON has it;
            None where they are those of the report.
        expected: Milliseconds on the device that the budget names; None where it names none.

    Returns:
        "size_mb", "latency_ms", "memory_mb"; "latency_high", what the latency may be where it is
        expected and not measured, else None; "drop", the share of the teacher's metric that is
        lost, with "drop_low" and "drop_high", its 95% interval from paired rows, None where the
        teacher's metric is not surely above 0.
    """
    compared = artifact["kept"]["of_teacher"]["eval"]
    timed = timed or artifact

    def lost(name: str) -> float | None:
        return None if compared[name] is None else round(1 - compared[name], 5)

    return {
        "size_mb": artifact["bytes_deployed"] / 1e6,
        "latency_ms": round(timed["latency_ms"] if expected is None else expected, 3),
        "latency_high": None if expected is None else round(expected * (1 + WITHIN), 3),
        "memory_mb": round(timed["peak_memory_mb"], 1),
        "drop": lost("retention"),
        "drop_low": lost("retention_high"),
        "drop_high": lost("retention_low"),
    }


def verdicts(
    asked: Mapping[str, float], got: Mapping[str, Any], *, busy: bool, strict: bool = False
) -> dict[str, Kept]:
    """Whether each bound is kept.

    Args:
        asked: The bounds: "size_mb", "latency_ms", "memory_mb", "drop".
        got: What `figures` gives.
        busy: Whether the machine was, so that no latency says anything.
        strict: Whether the worse end has to keep it, of the interval of a drop and of the error of
            a latency that is expected.

    Returns:
        True; "within noise" where the bound is kept, and not by the worse end;
        "unknown" for a latency on a busy machine, and for the drop of a metric of 0; else False.

    Example:
        >>> got = {"size_mb": 4.1, "drop": 0.004, "drop_high": 0.013}
        >>> verdicts({"size_mb": 5.0, "drop": 0.01}, got, busy=False)
        {'size_mb': True, 'drop': 'within noise'}
    """
    found: dict[str, Kept] = {}
    for name, most in asked.items():
        value, high = got[name], got.get(_HIGH.get(name, name))
        if value is None or (name == "latency_ms" and busy and high is None):
            found[name] = "unknown"
        elif value > most:
            found[name] = False
        elif high is not None and high > most:
            found[name] = False if strict else "within noise"
        else:
            found[name] = True
    return found


def worst(found: Mapping[str, Kept]) -> Kept:
    """The verdict of several: that of the bound that is kept worst.

    Example:
        >>> worst({"size_mb": True, "drop": "within noise"})
        'within noise'
    """
    return next(each for each in _WORST_FIRST if each in found.values())


def nearest(artifacts: Sequence[dict[str, Any]], kept: Sequence[Kept]) -> list[dict[str, Any]]:
    """The files that keep a budget best.

    Args:
        artifacts: As report.json has them.
        kept: The verdict of each.
    """
    best = max(kept, key=_WORST_FIRST.index)
    return [each for each, verdict in zip(artifacts, kept, strict=True) if verdict == best]


def is_kept(report: Mapping[str, Any]) -> bool:
    """Whether a run gave what was asked, or nothing was; noise is said, and no failure."""
    budget = report.get("budget")
    return budget is None or budget["kept"] in (True, "within noise")


def promise_lines(report: Mapping[str, Any]) -> list[str]:
    """The budget in words, first of all whether it is kept, and else what to relax."""
    budget = report.get("budget")
    if budget is None:
        return []
    asked, got, kept = budget["asked"], budget["got"], budget["kept"]
    each = budget["bounds"]
    words = {True: "kept", "within noise": "kept within noise", False: "not kept"}
    told = words.get(kept, "not known to be kept")
    parts = [
        f"{_NAMES[name]} {_shown(name, got, budget['at'].get('device'))} of {_amount(name, most)}"
        for name, most in asked.items()
    ]
    lines = [f"Budget {told} by {report['best']}: {'; '.join(parts)}"]
    missed = [name for name in asked if each[name] is False]
    for name in missed:
        high = got.get(_HIGH.get(name, name)) if budget["strict"] else None
        low = got[name] if high is None else high
        lines.append(f"To keep it, {_NAMES[name]} would have to be {_least(name, low)}")
    if (share := report.get("search", {}).get("share", 1.0)) < 1:
        lines.append(
            f"Time was short: after {report['search']['trials']} candidates the chosen one got "
            f"{100 * share:.0f}% of its epochs; a larger --time lets it learn more"
        )
    if "unknown" in each.values():
        why = "the machine was busy, or the teacher's metric is not above 0; run it again"
        lines.append(
            f"Not known: {', '.join(_NAMES[n] for n in asked if each[n] == 'unknown')} ({why})"
        )
    return lines


def frontier_lines(report: Mapping[str, Any]) -> list[str]:
    """What a search found beside its winner, where that does not keep the budget."""
    search = report.get("search")
    if search is None or is_kept(report):
        return []
    told = (
        f"Of {search['trials']} candidates none of these is beaten (drop after a short training, "
        "on held-out training rows; settings are in report.json):"
    )
    return ["", told, grid(candidate_rows(search, frontier_alone=True)[: MOST_SHOWN + 1])]


def candidate_rows(search: Mapping[str, Any], frontier_alone: bool = False) -> list[list[str]]:
    """A search's candidates as a table, the smallest first; the first row and column are titles.

    Args:
        search: As report.json has it.
        frontier_alone: Whether only those are shown that no other beats.
    """
    rows = [["candidate", "size", "expected latency", "drop", "distance", "of its training"]]
    shown = [each for each in search["candidates"] if each["frontier"] or not frontier_alone]
    for each in sorted(shown, key=lambda each: float(each["size_mb"])):
        latency, drop = each["latency_ms"], each["drop"]
        rows.append(
            [
                f"{each['trial']}{'' if frontier_alone or not each['frontier'] else ' *'}",
                figure(each["size_mb"], "MB"),
                "" if latency is None else figure(latency, "ms"),
                "" if drop is None else f"{100 * drop:.1f}%",
                f"{each['distance']:.4f}",
                f"{100 * each['share']:.0f}%",
            ]
        )
    return rows


def _shown(name: str, got: Mapping[str, Any], device: str | None) -> str:
    if got[name] is None:
        return "?"
    if name == "drop":
        low, high = (100 * got[each] for each in ("drop_low", "drop_high"))
        return f"{100 * got['drop']:.1f}% ({low:.1f} to {high:.1f}%)"
    shown = _amount(name, got[name])
    if name == "latency_ms" and got["latency_high"] is not None:
        return f"{shown} expected on {device} (at most {figure(got['latency_high'], 'ms')})"
    return shown


def _amount(name: str, value: float) -> str:
    return f"{100 * value:g}%" if name == "drop" else figure(value, _UNITS[name])


def _least(name: str, value: float) -> str:
    """A bound that the value would keep, rounded up to what a user would type."""
    if name == "drop":
        return f"{100 * value + 0.05:.1f}% or more"
    return f"{_amount(name, value * 1.005 + 0.005)} or more"
