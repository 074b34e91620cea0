"""What `shorten` saves: files of students with random weights, timed in turns with the whole ones.

.venv/bin/python benchmarks/shorten.py [--threads 2]
"""

import argparse
import logging
import tempfile
import warnings
from pathlib import Path

from first_position import make_student
from int8_speed import export_ours
from tinybert.measure.bench import bench
from tinybert.measure.machine import describe_machine
from tinybert.modeling.selection import select_in

SHAPES = ((4, 312, 1200), (6, 384, 1536))
SIZES = ((1, 128), (1, 256), (8, 64))
CHOICES = ((1, 64), (1, 32), (0, 64), (0, 32))
"""The layer behind which some tokens go on, and how many."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=100)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    print(describe_machine(options.threads))
    for shape in SHAPES:
        layers, width, neurons = shape
        print(f"\n{layers} x {width}, 12 heads, {neurons} neurons: time relative to every position")
        for (name, layer, positions), ratios in timed(shape, options).items():
            found = "  ".join(f"{size}: {ratio:.2f}" for size, ratio in ratios.items())
            print(f"{name:24} {positions:3} behind layer {layer}  {found}", flush=True)


def timed(
    shape: tuple[int, int, int], options: argparse.Namespace
) -> dict[tuple[str, int, int], dict[str, float]]:
    """For each kind of file and choice, the share of the whole one's time by size."""
    with tempfile.TemporaryDirectory() as folder:
        whole = export_ours(make_student(*shape), Path(folder, "whole"))
        made = []
        for layer, positions in CHOICES:
            student = make_student(*shape)
            select_in(student, layer, positions).weight.normal_()
            made.append(export_ours(student, Path(folder, f"{layer}-{positions}")))
        files = [str(each[name]) for name in whole for each in (whole, *made)]
        found: dict[tuple[str, int, int], dict[str, float]] = {}
        for batch, length in SIZES:
            result = bench(
                files, batch=batch, length=length, threads=options.threads, repeats=options.repeats
            )
            times = iter(model.latency_ms for model in result.models)
            for name in whole:
                base = next(times)
                for choice in CHOICES:
                    ratios = found.setdefault((name, *choice), {})
                    ratios[f"{batch} x {length}"] = next(times) / base
    return found


if __name__ == "__main__":
    main()
