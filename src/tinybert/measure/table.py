"""Measurements as a table of plain text."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tinybert.base.errors import InputError
from tinybert.formats.registry import FORMATS
from tinybert.measure.bench import BenchResult, busy_words, is_busy, times_faster
from tinybert.measure.provenance import kept_words, provenance

BUSY_MARK = " (busy)"
"""Stands where a ratio of times would, had the machine been quiet."""


def bench_table(result: BenchResult) -> str:
    """One line a model; each figure with its ratio to the first model's."""
    first, *_ = result.models
    busy = is_busy(result.machine)

    def speed(value: float, quotient: float, unit: str, below: str, above: str) -> str:
        return figure(value, unit) + (BUSY_MARK if busy else times(quotient, below, above))

    rows = [
        [
            model.model,
            f"{model.format} {model.precision}",
            compared(model.bytes / 1e6, first.bytes / 1e6, "MB", "smaller", "larger"),
            compared(model.parameters / 1e6, first.parameters / 1e6, "M", "fewer", "more"),
            speed(
                model.latency_ms,
                times_faster(vars(first), vars(model)),
                *("ms", "faster", "slower"),
            ),
            speed(
                model.latency_p95_ms,
                first.latency_p95_ms / model.latency_p95_ms,
                *("ms", "faster", "slower"),
            ),
            speed(
                model.throughput_per_s,
                first.throughput_per_s / model.throughput_per_s,
                *("/s", "lower", "higher"),
            ),
            compared(model.peak_memory_mb, first.peak_memory_mb, "MB", "less", "more"),
        ]
        for model in result.models
    ]
    columns = ["model", "runs as", "size", "parameters", "median", "p95", "throughput", "memory"]
    machine, used = result.machine, {model.format for model in result.models}
    runtimes = [each.runtime for name, each in FORMATS.items() if name in used]
    versions = [
        f"{name} {machine[name]}"
        for name in ("torch", "transformers", *runtimes)
        if machine.get(name)
    ]
    caption = (
        f"batch {result.batch}, {result.length} tokens, {result.threads} threads, "
        f"{machine['cpu']}, {', '.join(versions)}"
    )
    notes = [busy_words(machine)] if busy else []
    return "\n".join([grid([columns, *rows]), caption, *notes, *_kept(result)])


def _kept(result: BenchResult) -> list[str]:
    """What the report of the run says of each output folder, or of its best file."""
    lines = []
    for model in result.models:
        path = Path(model.model)
        try:
            origin = provenance(path) if path.exists() else None
        except InputError:  # the figures above are none of the report's
            continue
        if origin is not None and (told := kept_words(origin)):
            folder = Path(origin["folder"])
            if path.resolve() in (folder, folder / origin["file"]):
                lines.append(f"{model.model}: {told}")
    return lines


def compared(value: float, base: float, unit: str, below: str, above: str) -> str:
    """A figure and how it compares to a base figure.

    Example:
        >>> compared(14.6, 90.9, "MB", "smaller", "larger")
        '14.6 MB (6.2x smaller)'
        >>> compared(90.9, 90.9, "MB", "smaller", "larger")
        '90.9 MB'
    """
    return figure(value, unit) + (times(base / value, below, above) if value > 0 else "")


def figure(value: float, unit: str) -> str:
    """A figure with its unit, not more exact than it is.

    Example:
        >>> figure(2.561, "ms"), figure(1234.56, "MB")
        ('2.56 ms', '1,234.6 MB')
    """
    return f"{value:.2f} {unit}" if value < 10 else f"{value:,.1f} {unit}"


def times(quotient: float, below: str, above: str) -> str:
    """What stands behind a figure that is a base divided by `quotient`; nothing for equal ones.

    Example:
        >>> times(8.31, "faster", "slower"), times(0.5, "faster", "slower")
        (' (8.3x faster)', ' (2.0x slower)')
    """
    if quotient <= 0:
        return ""
    ratio, word = (quotient, below) if quotient > 1 else (1 / quotient, above)
    shown = f"{ratio:.{1 if ratio >= 2 else 2}f}"
    return "" if shown == "1.00" else f" ({shown}x {word})"


def grid(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells under a header row, columns aligned: the first to the left, others right.

    Example:
        >>> print(grid([["model", "size"], ["teacher", "90.9 MB"], ["out", "9.1 MB"]]))
        model       size
        -------  -------
        teacher  90.9 MB
        out       9.1 MB
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    header, *body = rows
    lines = [header, ["-" * width for width in widths], *body]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def threshold_words(thresholds: Mapping[str, float]) -> str:
    """From which probability on a text has which label.

    Example:
        >>> threshold_words({"joy": 0.3, "love": 0.3})
        'a text has a label from a probability of 0.3 on'
        >>> threshold_words({"joy": 0.31, "love": 0.4})
        'a text has a label from a probability on of: joy 0.31, love 0.4'
    """
    if len({*thresholds.values()}) == 1:
        return f"a text has a label from a probability of {next(iter(thresholds.values())):.4g} on"
    each = ", ".join(f"{label} {threshold:.4g}" for label, threshold in thresholds.items())
    return f"a text has a label from a probability on of: {each}"
