"""The candidates of a search as a picture, in SVG: what they take against what they lose."""

from collections.abc import Mapping
from html import escape
from typing import Any

WIDTH, HEIGHT = 640, 320
LEFT, BELOW = 70, 44
"""Pixels beside and below the picture for its figures and titles."""

_TITLES = {
    "size_mb": "MB of all files",
    "latency_ms": "expected ms",
    "drop": "% lost of the teacher's metric, on held-out training rows",
    "distance": "distance from the teacher's outputs, on held-out training rows",
}

_SCALES = {"drop": 100.0}


def frontier_plot(
    search: Mapping[str, Any], asked: Mapping[str, float], chosen: int | None = None
) -> str:
    """An `<svg>` of all candidates: those that no other beats are marked, and bounds are lines.

    Args:
        search: As report.json has it; without a candidate there is no picture.
        asked: The budget's bounds.
        chosen: The trial of the winner, or of the best so far.
    """
    across = "latency_ms" if "latency_ms" in asked and "size_mb" not in asked else "size_mb"
    up = "drop" if all(each["drop"] is not None for each in search["candidates"]) else "distance"
    shown = [each for each in search["candidates"] if each[across] is not None]
    if not shown:
        return ""
    x = _Axis(across, [each[across] for each in shown], asked)
    y = _Axis(up, [each[up] for each in shown], asked)
    parts = [
        f'<text x="{LEFT + WIDTH / 2}" y="{HEIGHT + BELOW - 8}" text-anchor="middle">'
        f"{escape(_TITLES[across])}</text>",
        f'<text x="0" y="14">{escape(_TITLES[up])}</text>',
    ]
    for share in (0.0, 0.5, 1.0):
        at = LEFT + share * WIDTH
        anchor = "end" if share == 1 else "middle"
        parts.append(
            f'<text x="{at:.1f}" y="{HEIGHT + 18}" text-anchor="{anchor}">{x.label(share)}</text>'
            f'<text x="{LEFT - 8}" y="{_down(share) + 4:.1f}" text-anchor="end">'
            f"{y.label(share)}</text>"
        )
    parts += _bounds(x, y)
    for each in shown:
        kind = "best" if each["trial"] == chosen else "frontier" if each["frontier"] else "beaten"
        told = (
            f"trial {each['trial']}: {each['size_mb']:.2f} MB, {up} {y.shown(each[up])}, "
            f"{100 * each['share']:.0f}% of its training"
        )
        parts.append(
            f'<g class="{kind}"><circle cx="{LEFT + x.place(each[across]) * WIDTH:.1f}" '
            f'cy="{_down(y.place(each[up])):.1f}" r="{5 if each["frontier"] else 3}">'
            f"<title>{escape(told)}</title></circle></g>"
        )
    return (
        f'<svg viewBox="0 0 {LEFT + WIDTH + 10} {HEIGHT + BELOW}" role="img" '
        f'aria-label="The candidates of the search">{"".join(parts)}</svg>'
    )


class _Axis:
    """One direction of the picture, from the least to the most of what is shown and asked."""

    def __init__(self, name: str, values: list[float], asked: Mapping[str, float]) -> None:
        self.bound = asked.get(name)
        self._scale = _SCALES.get(name, 1.0)
        everything = [*values, *([] if self.bound is None else [self.bound])]
        low, high = min(everything), max(everything)
        room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
        self._low, self._high = low - room, high + room

    def place(self, value: float) -> float:
        """From 0 to 1."""
        return (value - self._low) / (self._high - self._low)

    def label(self, share: float) -> str:
        """The value at a place."""
        return self.shown(self._low + share * (self._high - self._low))

    def shown(self, value: float) -> str:
        """A value in the unit of the title."""
        return f"{self._scale * value:.3g}"


def _down(share: float) -> float:
    """The pixel of a place from below."""
    return 24 + (1 - share) * (HEIGHT - 30)


def _bounds(x: _Axis, y: _Axis) -> list[str]:
    """What is asked, as lines."""
    lines = []
    if x.bound is not None:
        at = LEFT + x.place(x.bound) * WIDTH
        lines.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{_down(1):.1f}" y2="{_down(0):.1f}"/>')
    if y.bound is not None:
        at = _down(y.place(y.bound))
        lines.append(f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{at:.1f}" y2="{at:.1f}"/>')
    return [f'<g class="bound">{line}</g>' for line in lines]
