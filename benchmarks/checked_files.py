"""What checking files costs: loading a model and predicting, and publishing a run's results.

Compares this source tree with an older one, whose own output folder each of them reads. Whole
processes, interleaved; the medians' ratio is what counts.

    git worktree add /tmp/before COMMIT
    python benchmarks/checked_files.py --before /tmp/before/src
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tinybert.measure.machine import describe_machine

REPOSITORY = Path(__file__).parents[1]

PREDICT = """
import sys, time
import onnxruntime, numpy, tokenizers
from tinybert.formats.load import load  # imported lazily by the package
begun = time.perf_counter()
model = load(sys.argv[1], threads=1)
model(["a great film"] * 32)
print(time.perf_counter() - begun)
"""

PUBLISH = """
import pathlib, shutil, sys, time
from tinybert.recipe.recipe import Recipe
from tinybert.report.publish import publish
made, out, old = (pathlib.Path(each) for each in sys.argv[1:4])
report = __import__("json").loads((made / "report.json").read_text())
recipe = Recipe.read(made / "recipe.yaml")
out.mkdir(parents=True)
begun = time.perf_counter()
publish(out, made / "student", made / "artifacts", report, recipe)
first = time.perf_counter() - begun
# Weights of another run in their place.
begun = time.perf_counter()
publish(out, old / "student", old / "artifacts", report, recipe)
again = time.perf_counter() - begun
begun = time.perf_counter()
publish(out, old / "student", old / "artifacts", report, recipe)
print(first, again, time.perf_counter() - begun)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, required=True, help="src/ of an older version")
    parser.add_argument("--out", type=Path, required=True, help="what `compress` made")
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    sources = {"before": options.before, "now": REPOSITORY / "src"}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        made = [parts(options.out, work / name, flip) for name, flip in (("a", 0), ("b", 1))]
        outs = {
            name: publish_with(source, made, work / f"out-{name}") and work / f"out-{name}"
            for name, source in sources.items()
        }
        rows = {
            "load and predict 32 texts": [],
            "publish": [],
            "publish over another run": [],
            "publish what is there": [],
        }
        for turn in range(options.repeats):
            for name, source in sources.items():
                found = [float(run(source, PREDICT, outs[name])[0])]
                found += publish_with(source, made, work / f"{name}-{turn}")
                shutil.rmtree(work / f"{name}-{turn}")
                for row, seconds in zip(rows.values(), found, strict=True):
                    row.append((name, seconds))
    machine = describe_machine(1)
    print(json.dumps(machine))
    print(f"{'':28} {'before ms':>10} {'now ms':>10} {'ratio':>7}   medians of {options.repeats}")
    for title, row in rows.items():
        before, now = (
            statistics.median(seconds for name, seconds in row if name == each) for each in sources
        )
        print(f"{title:28} {before * 1e3:10.1f} {now * 1e3:10.1f} {now / before:7.3f}")


def parts(out: Path, target: Path, flip: int) -> Path:
    """An output folder's files to publish; `flip` makes them those of another run."""
    (target / "artifacts").mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(out / name, target / "artifacts" / name)
    shutil.copytree(out / "onnx", target / "artifacts" / "onnx")
    shutil.copytree(out / "student", target / "student")
    for name in ("report.json", "recipe.yaml"):
        shutil.copy(out / name, target / name)
    for file in target.rglob("*"):
        if flip and file.suffix in (".onnx", ".safetensors"):
            content = bytearray(file.read_bytes())
            content[-1] ^= flip
            file.write_bytes(content)
    return target


def publish_with(source: Path, made: list[Path], out: Path) -> list[float]:
    """Seconds of publishing into an empty folder, over another run, and where all is there."""
    return [float(each) for each in run(source, PUBLISH, made[0], out, made[1])]


def run(source: Path, program: str, *arguments: Path) -> list[str]:
    """What a program prints, with the package of a source tree."""
    environment = os.environ | {"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout.split()


if __name__ == "__main__":
    main()
