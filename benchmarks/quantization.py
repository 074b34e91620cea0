"""What each way of quantizing costs in accuracy, on students that `benchmarks/glue.py` trained.

    .venv/bin/python benchmarks/quantization.py --data ../shared/data/glue --runs runs \
        --tasks sst-2 mrpc sts-b cola rte --seeds 0

A task's teacher is RUNS/TASK/teacher/student (of `--own-teachers`, teacher-SEED), its fp32 student
that of the last `distill` in RUNS/TASK/heads12-teacher-SEED. QAT is trained here, on the task's
rows alone, or with `--trained` is the run's own, as its recipe has it. Metrics are those of the
files on the whole dev set; nothing was chosen by them. The end has means over the tasks, and how
much of what quantizing afterwards lost QAT won back. Plain NNCF is left out where it is missing
(`pip install --target /tmp/nncf nncf`, PYTHONPATH=/tmp/nncf).
"""

import argparse
import importlib.util
import logging
import statistics
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from transformers import PreTrainedModel, set_seed

from tinybert.data import read
from tinybert.formats.load import open_artifact
from tinybert.formats.quantize import quantize_artifact
from tinybert.measure.evaluate import evaluate
from tinybert.measure.machine import describe_machine
from tinybert.modeling.load import load_model, load_tokenizer
from tinybert.run.export import export
from tinybert.steps.quantize.config import QuantizeConfig, QuantizedDistillConfig
from tinybert.steps.quantize.note import QUANTIZATION_KEY
from tinybert.steps.quantize.step import prepare
from tinybert.tasks import get_task
from tinybert.tasks.task import Task
from tinybert.training.calibration import calibration_batches
from tinybert.training.context import Context

FOLDERS = {"sst-2": "SST-2", "mrpc": "MRPC", "sts-b": "STS-B", "cola": "CoLA", "rte": "RTE"}
GROUPS = {"bits": 4, "group_size": 32}
FP32, NNCF = "fp32", "NNCF, OpenVINO"
VARIANTS: dict[str, QuantizeConfig | None] = {
    FP32: None,
    "dynamic int8": QuantizeConfig(),
    "static int8": QuantizeConfig(method="static"),
    "static int8, OpenVINO": QuantizeConfig(method="static"),
    "the same, attention in float": QuantizeConfig(method="static", attention=False),
    NNCF: None,
    "QAT int8": QuantizeConfig(method="qat"),
    "QAT int8, OpenVINO": QuantizeConfig(method="qat"),
    "4-bit weights": QuantizeConfig.model_validate({"method": "weight-only", **GROUPS}),
    "4-bit weights, GPTQ": QuantizeConfig.model_validate(
        {"method": "weight-only", "rounding": "gptq", **GROUPS}
    ),
    "4-bit weights, QAT": QuantizeConfig.model_validate(
        {"method": "qat", "activations": False, **GROUPS}
    ),
    "4-bit rows": QuantizeConfig(method="weight-only", bits=4),
    "4-bit rows, GPTQ": QuantizeConfig(method="weight-only", bits=4, rounding="gptq"),
    "4-bit rows, QAT": QuantizeConfig(method="qat", activations=False, bits=4),
}
ON_OPENVINO = (
    "static int8, OpenVINO",
    "the same, attention in float",
    NNCF,
    "QAT int8, OpenVINO",
)
AGAINST = {
    "QAT int8": "static int8",
    "QAT int8, OpenVINO": "static int8, OpenVINO",
    "4-bit weights, GPTQ": "4-bit weights",
    "4-bit weights, QAT": "4-bit weights",
    "4-bit rows, GPTQ": "4-bit rows",
    "4-bit rows, QAT": "4-bit rows",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the GLUE folders")
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--tasks", nargs="+", default=list(FOLDERS), choices=list(FOLDERS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    installed = importlib.util.find_spec("nncf") is not None
    known = [name for name in VARIANTS if installed or name != NNCF]
    parser.add_argument("--only", nargs="+", default=known, choices=known)
    training = parser.add_mutually_exclusive_group()
    training.add_argument("--epochs", type=float, default=1, help="of QAT")
    training.add_argument("--trained", action="store_true", help="QAT's model is the run's own")
    options = parser.parse_args()
    logging.disable(logging.WARNING)

    learned = "of the runs" if options.trained else f"{options.epochs:g} epochs"
    print(f"{describe_machine(torch.get_num_threads())}\nQAT: {learned}\n")
    print("| task | seed | variant | metric | drop | MB | seconds |\n|-|-|-|-|-|-|-|")
    scores: dict[str, list[float]] = {name: [] for name in options.only}
    for name in options.tasks:
        for seed in options.seeds:
            task, context = read_task(name, seed, options)
            trained: dict[str, tuple[PreTrainedModel, float]] = {}
            for variant in options.only:
                key = repr(VARIANTS[variant])
                if key not in trained:  # the same model ends in files of several formats
                    trained[key] = train(VARIANTS[variant], name, seed, task, context, options)
                model, seconds = trained[key]
                metric, size = measure(variant, model, name, task, context, options)
                scores[variant].append(metric)
                drop = scores[FP32][-1] - metric if FP32 in scores else 0.0
                print(
                    f"| {name} | {seed} | {variant} | {metric:.4f} | {drop:+.4f} | "
                    f"{size / 1e6:.2f} | {seconds:.0f} |",
                    flush=True,
                )
    summarize(scores)


def read_task(name: str, seed: int, options: argparse.Namespace) -> tuple[Task, Context]:
    task = get_task({"kind": f"glue/{name}"})
    table = read(str(options.data / FOLDERS[name]), "train", task.layout)
    task = task.fit(table)
    run = options.runs / name.replace("-", "")
    own = run / f"teacher-{seed}"
    folder = (own if own.exists() else run / "teacher") / "student"
    teacher, tokenizer = load_model(folder, task), load_tokenizer(folder, 128)
    return task, Context(task, task.examples(table), tokenizer, 128, 0, Path(), teacher)


def measure(
    variant: str,
    model: PreTrainedModel,
    name: str,
    task: Task,
    context: Context,
    options: argparse.Namespace,
) -> tuple[float, int]:
    """Metric and bytes of one file."""
    config = VARIANTS[variant]
    with TemporaryDirectory() as temporary:
        target = "openvino" if variant in ON_OPENVINO else "onnx"
        path = export(model, context.tokenizer, Path(temporary), [target])[target]
        if variant == NNCF:
            path = quantize_by_nncf(path, context)
        elif config is not None:
            path = path.with_stem("quantized")
            quantize_artifact(path.with_stem("model"), path, config)
        dev = task.examples(read(str(options.data / FOLDERS[name]), "eval", task.layout))
        result = evaluate(open_artifact(path, threads=None), dev)
        weights = path.with_suffix(".bin")
        size = path.stat().st_size + (weights.stat().st_size if weights.exists() else 0)
        return result["metric"], size


def quantize_by_nncf(path: Path, context: Context) -> Path:
    """As its documentation does it, on the rows on which ours is calibrated."""
    import nncf
    import openvino

    model = openvino.Core().read_model(path)
    wanted = {name for port in model.inputs for name in port.get_names()}
    batches = calibration_batches(context, QuantizeConfig().calibration_rows, torch.device("cpu"))
    samples = [
        {name: values.numpy() for name, values in batch.items() if name in wanted}
        for batch in batches
    ]
    quantized = nncf.quantize(
        model,
        nncf.Dataset(samples),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(samples),
    )
    openvino.save_model(quantized, path.with_stem("nncf"))
    return path.with_stem("nncf")


def train(
    config: QuantizeConfig | None,
    name: str,
    seed: int,
    task: Task,
    context: Context,
    options: argparse.Namespace,
) -> tuple[PreTrainedModel, float]:
    """The student, prepared as its quantized file wants it, and the seconds that this took."""
    run = options.runs / name.replace("-", "") / f"heads12-teacher-{seed}"
    begun = time.monotonic()
    if options.trained and config is not None and config.method == "qat":
        return load_model(last_step(run, "quantize"), task), 0.0
    model = load_model(last_step(run, "distill"), task)
    vars(model.config).pop(QUANTIZATION_KEY, None)
    if config is not None and config.prepares:
        if config.method == "qat":
            learns = QuantizedDistillConfig(epochs=options.epochs)
            config = config.model_copy(update={"distill": learns})
        set_seed(seed)
        with TemporaryDirectory() as folder:
            here = replace(context, seed=seed, folder=Path(folder) / "checkpoints")
            model = prepare(config, model, here)
    return model, time.monotonic() - begun


def last_step(run: Path, name: str) -> Path:
    made = run.glob(f"steps/[0-9][0-9]-{name}-*/model")
    return max(made, key=lambda folder: folder.stat().st_mtime)


def summarize(scores: dict[str, list[float]]) -> None:
    means = {name: statistics.mean(each) for name, each in scores.items()}
    print("\n| mean over tasks and seeds | metric | drop | won back |\n|-|-|-|-|")
    for name, mean in means.items():
        drop = means.get(FP32, mean) - mean
        lost = means.get(FP32, mean) - means.get(AGAINST.get(name, ""), mean)
        back = f"{1 - drop / lost:.0%}" if name in AGAINST and lost > 0 else ""
        print(f"| {name} | {mean:.4f} | {drop:+.4f} | {back} |")


if __name__ == "__main__":
    main()
