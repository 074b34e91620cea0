"""Measurements as a table of plain text."""

from collections.abc import Sequence

from tinybert.measure.bench import BenchResult


def bench_table(result: BenchResult) -> str:
    """One line a model; each figure with its ratio to the first model's."""
    first, *_ = result.models
    rows = [
        [
            model.model,
            f"{model.format} {model.precision}",
            compared(model.bytes / 1e6, first.bytes / 1e6, "MB", "smaller", "larger"),
            compared(model.parameters / 1e6, first.parameters / 1e6, "M", "fewer", "more"),
            compared(model.latency_ms, first.latency_ms, "ms", "faster", "slower"),
            compared(model.latency_p95_ms, first.latency_p95_ms, "ms", "faster", "slower"),
            compared(model.throughput_per_s, first.throughput_per_s, "/s", "lower", "higher"),
            compared(model.peak_memory_mb, first.peak_memory_mb, "MB", "less", "more"),
        ]
        for model in result.models
    ]
    columns = ["model", "runs as", "size", "parameters", "median", "p95", "throughput", "memory"]
    machine = result.machine
    versions = [
        f"{name} {machine[name]}"
        for name in ("torch", "transformers", "onnxruntime")
        if machine[name]
    ]
    caption = (
        f"batch {result.batch}, {result.length} tokens, {result.threads} threads, "
        f"{machine['cpu']}, {', '.join(versions)}"
    )
    return f"{grid([columns, *rows])}\n{caption}"


def compared(value: float, base: float, unit: str, below: str, above: str) -> str:
    """A figure and how it compares to a base figure.

    Example:
        >>> compared(14.6, 90.9, "MB", "smaller", "larger")
        '14.6 MB (6.2x smaller)'
        >>> compared(90.9, 90.9, "MB", "smaller", "larger")
        '90.9 MB'
    """
    text = f"{value:.2f} {unit}" if value < 10 else f"{value:,.1f} {unit}"
    if min(value, base) <= 0:
        return text
    ratio, word = (base / value, below) if value < base else (value / base, above)
    shown = f"{ratio:.{1 if ratio >= 2 else 2}f}"
    return text if shown == "1.00" else f"{text} ({shown}x {word})"


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
