"""What report.json says of the rows, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

SHOWN_LABELS, SHOWN_SCRIPTS = 8, 4

UNEVEN = 10
"""How many times as often the most frequent label is there as the rarest, to be worth a hint."""

_NAMES = {"train": "training", "eval": "evaluation"}


def data_lines(data: Mapping[str, Any] | None) -> list[str]:
    """The rows in words: what there is, and then what should be looked at.

    Args:
        data: As report.json has it; None as reports of older versions do.

    Example:
        >>> one = {"rows": 10, "labels": {"bad": 5, "good": 5}, "duplicates": 0, "tokenized": 10,
        ...     "tokens": {"median": 7, "p90": 9, "p99": 12, "max": 12}, "longer": 0.0,
        ...     "unknown": 0.0, "unknown_scripts": {}, "in_train": 3}
        >>> print(*data_lines({"max_length": 128, "windows": False, "train": None, "eval": one}),
        ...     sep="\\n")
        evaluation: 10 rows (bad 5, good 5); 7 tokens in the median, 90% up to 9, all up to 12
        3 of 10 evaluation rows also stand in training: figures on them are too good
    """
    if data is None:
        return []
    return [*_facts(data), *data_warnings(data), *_faults(data)]


def data_warnings(data: Mapping[str, Any] | None) -> list[str]:
    """What makes figures untrue, the first that `data_lines` tells beside the facts."""
    return [] if data is None else [*_leaks(data), *_never_learned(data)]


def _parts(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, name in _NAMES.items():
        if data[key] is not None:
            yield name, data[key]


def _facts(data: Mapping[str, Any]) -> Iterator[str]:
    for name, part in _parts(data):
        labels, tokens = _labels(part["labels"]), part["tokens"]
        few = part["tokenized"] < part["rows"]
        drawn = f", of {part['tokenized']:,} drawn rows" if few else ""
        yield (
            f"{name}: {part['rows']:,} rows{labels}; {tokens['median']} tokens in the median, "
            f"90% up to {tokens['p90']}, all up to {tokens['max']}{drawn}"
        )


def _labels(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda each: -each[1])
    shown = [f"{name} {count:,}" for name, count in ordered]
    if len(shown) > SHOWN_LABELS:
        middle = f"{len(shown) - SHOWN_LABELS} more"
        shown = [*shown[: SHOWN_LABELS - 1], middle, shown[-1]]
    return f" ({', '.join(shown)})" if shown else ""


def _leaks(data: Mapping[str, Any]) -> Iterator[str]:
    part, train = data["eval"], data["train"]
    if part["in_train"]:
        few = train is not None and train["compared"] < train["rows"]
        among = f" (among {train['compared']:,} rows of it)" if few else ""
        yield (
            f"{part['in_train']:,} of {part['rows']:,} evaluation rows also stand in training"
            f"{among}: figures on them are too good"
        )


def _never_learned(data: Mapping[str, Any]) -> Iterator[str]:
    learned = _learned(data)
    counts = data["eval"]["labels"] if learned else {}
    unseen = [name for name, count in counts.items() if count and not learned.get(name)]
    if unseen:
        yield f"no training row has {', '.join(unseen)}, and evaluation rows have"


def _learned(data: Mapping[str, Any]) -> Mapping[str, int]:
    """How often training rows have each label."""
    found: Mapping[str, int] = {} if data["train"] is None else data["train"]["labels"]
    return found


def _faults(data: Mapping[str, Any]) -> Iterator[str]:
    for name, part in _parts(data):
        if part["longer"]:
            how = "read in windows" if data["windows"] else "cut"
            yield (
                f"{_share(part['longer'])} of the {name} rows are longer than max_length "
                f"{data['max_length']}, and are {how}"
            )
        if part["duplicates"]:
            same = f"{part['duplicates']:,} {name} rows have the text of another"
            other = part.get("contradictions")
            yield same + (f"; {other:,} rows have one with two labels" if other else "")
        if part["unknown"]:
            scripts = [*part["unknown_scripts"].items()][:SHOWN_SCRIPTS]
            of = ", ".join(f"{_share(share)} of {script}" for script, share in scripts)
            yield (
                f"{_share(part['unknown'])} of the pieces of {name} rows are unknown to the "
                f"tokenizer: {of}"
            )
    seen = [count for count in _learned(data).values() if count]
    if seen and max(seen) > UNEVEN * min(seen):
        yield (
            f"the most frequent label is there {max(seen) / min(seen):,.0f} times as often as the "
            "rarest"
        )


def _share(share: float) -> str:
    return f"{100 * share:.2g}%" if share < 0.1 else f"{100 * share:.0f}%"
