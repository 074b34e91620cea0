"""A report's models as a picture, in SVG: bytes and latency as bars, the metric as an interval."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

ROW = 34
PANEL, GAP = 200, 40
CHARACTER = 8.4
"""Pixels of a letter or a digit of the 13 that the page's text is high, in the widest usual fonts
(Verdana, DejaVu Sans): whoever opens the page has one of their own."""

VALUES = 10 + round(7 * CHARACTER)
"""Pixels at a panel's right end that its bars leave to the figures beside them, such as -0.1234."""


def figures_plot(report: Mapping[str, Any]) -> str:
    """An `<svg>`: one row a model, one panel a figure; nothing in it is loaded from elsewhere."""
    teacher = report["teacher"]
    onnx = {**teacher, **teacher["onnx"]}
    models = [("teacher, PyTorch", teacher), ("teacher, ONNX", onnx)]
    models += [(artifact["path"], artifact) for artifact in report["artifacts"]]
    panels: Sequence[tuple[str, Callable[[list[Mapping[str, Any]]], list[str]]]] = (
        ("MB", lambda each: _bars([model["bytes"] / 1e6 for model in each])),
        ("ms for one input", lambda each: _bars([model["latency_ms"] for model in each])),
        (f"{report['task']['metric']}, 95% interval", _intervals),
    )
    kinds = ["teacher", "teacher"]
    kinds += ["best" if path == report["best"] else "artifact" for path, _ in models[2:]]
    titles = 12 + round(CHARACTER * max(len(title) for title, _ in models))
    parts = [
        f'<text x="{titles - 12}" y="{_middle(row) + 4}" text-anchor="end">{escape(title)}</text>'
        for row, (title, _) in enumerate(models)
    ]
    for place, (title, draw) in enumerate(panels):
        left = titles + place * (PANEL + GAP)
        marks = zip(kinds, draw([model for _, model in models]), strict=True)
        parts.append(
            f'<g transform="translate({left} 0)"><text y="16">{escape(title)}</text>'
            + "".join(
                f'<g class="{kind}" transform="translate(0 {_middle(row)})">{mark}</g>'
                for row, (kind, mark) in enumerate(marks)
            )
            + "</g>"
        )
    width, height = titles + 3 * PANEL + 2 * GAP, _middle(len(models))
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="The models side by side">'
        f"{''.join(parts)}</svg>"
    )


def _middle(row: int) -> int:
    return 46 + row * ROW


def _bars(values: Sequence[float]) -> list[str]:
    longest = max(values)
    marks = []
    for value in values:
        length = (PANEL - VALUES) * value / longest
        marks.append(
            f'<rect y="-8" width="{length:.1f}" height="16"/>'
            f'<text x="{length + 6:.1f}" y="4">{_figure(value)}</text>'
        )
    return marks


def _figure(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _intervals(models: Sequence[Mapping[str, Any]]) -> list[str]:
    low = min(model["metric_low"] for model in models)
    high = max(model["metric_high"] for model in models)
    marks = []
    for model in models:
        # Of equal ends, as when every row is right, any place is as good.
        start, at, end = (
            (PANEL - VALUES) * (model[key] - low) / ((high - low) or 1.0)
            for key in ("metric_low", "metric", "metric_high")
        )
        marks.append(
            f'<line x1="{start:.1f}" x2="{end:.1f}"/><circle cx="{at:.1f}" r="5"/>'
            f'<text x="{PANEL - VALUES + 10}" y="4">{model["metric"]:.4f}</text>'
        )
    return marks
