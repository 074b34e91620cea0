"""Damaged inputs by the thousand: each gives a result or one clear line, and no wrong answer.

`cd tests; python -m fuzz.forkserver BASE TARGET SEED` runs one that a failure names again; BASE
is the folder that it names, which pytest keeps.
"""

import collections
import time

import pytest

from fuzz.outcome import COMPARED, REFUSED, RESULT

HANG_SECONDS = 60
CHEAP, MODELS = 60, 12
"""Inputs of each target in the quick test: of those that open no model, and of those that do."""

QUICK = {
    **dict.fromkeys(["yaml-text", "recipe-mapping", "overrides", "rows", "corpus"], CHEAP),
    "parquet": CHEAP // 2,
    **dict.fromkeys(["config", "tokenizer", "tokenizer-settings", "weights"], MODELS),
    **dict.fromkeys(["onnx", "openvino", "output-folder", "command-line"], MODELS),
    "dry-run": MODELS // 2,
}


def fuzz(ask, counts, budget=None):
    """Runs the inputs in turns over the targets; the findings, and a table of what was run."""
    began = time.monotonic()
    queue = [
        (seed / count, target, seed) for target, count in counts.items() for seed in range(count)
    ]
    outcomes = collections.defaultdict(collections.Counter)
    findings = []
    for _, target, seed in sorted(queue):
        if budget is not None and time.monotonic() - began > budget:
            break
        reply = ask(target, seed, HANG_SECONDS)
        outcomes[target][reply["outcome"]] += 1
        if reply["outcome"] not in (RESULT, COMPARED, REFUSED):
            findings.append(f"{target} {seed}: {reply['outcome']}: {reply['detail']}")
    lines = [f"{target:20} {dict(found)}" for target, found in sorted(outcomes.items())]
    total = sum((found for found in outcomes.values()), collections.Counter())
    lines.append(f"{sum(total.values())} inputs in {time.monotonic() - began:.0f} s: {dict(total)}")
    return findings, "\n".join(lines)


def test_damaged_inputs(fuzz_server, fuzz_base, capsys):
    findings, table = fuzz(fuzz_server, QUICK, budget=60)
    with capsys.disabled():
        print(f"\n{table}")  # noqa: T201 (what was run is worth knowing where all is well, too)
    assert not findings, "\n\n".join([str(fuzz_base), *findings, table])


@pytest.mark.slow
def test_five_thousand_damaged_inputs(fuzz_server, fuzz_base, capsys):
    findings, table = fuzz(fuzz_server, {target: 12 * count for target, count in QUICK.items()})
    with capsys.disabled():
        print(f"\n{table}")  # noqa: T201 (what was run is worth knowing where all is well, too)
    assert not findings, "\n\n".join([str(fuzz_base), *findings, table])
