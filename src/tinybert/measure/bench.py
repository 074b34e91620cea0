"""Size, speed and memory of several models, side by side in one run."""

import contextlib
import dataclasses
import json
import logging
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import numpy as np

from tinybert.base.errors import InputError, WorkerKilled
from tinybert.base.processes import python_command
from tinybert.base.threads import users_environment
from tinybert.measure.machine import BusyWatch, describe_machine, visible_cores
from tinybert.runtime.threads import require_threads

logger = logging.getLogger(__name__)

_RUNS_A_TURN = 10
_BUSY = 0.1  # of the cores' time; from there on, others are felt in the figures
_QUIET_SECONDS = 0.5  # of watching others while nothing of ours runs
_SETTLE_SECONDS = 0.1  # ONNX Runtime's threads spin on for 20 to 80 ms after a run


@dataclasses.dataclass(frozen=True)
class ModelBench:
    """What one model costs.

    Attributes:
        model: As the caller named it.
        format: What ran it: "pytorch", "onnx", "openvino".
        precision: Of its weights: "fp32", "int8", "int4", "int2".
        bytes: Of its weight files.
        parameters: Its weights, embeddings included.
        latency_ms: Median milliseconds of one batch.
        latency_p95_ms: What 95% of the batches stay under.
        throughput_per_s: Rows a second over all batches.
        peak_memory_mb: The most memory its process held, in MB (10^6 bytes), the runtime included.
        runs_ms: Milliseconds of each batch. The nth of all models were run one soon after another.
    """

    model: str
    format: str
    precision: str
    bytes: int
    parameters: int
    latency_ms: float
    latency_p95_ms: float
    throughput_per_s: float
    peak_memory_mb: float
    runs_ms: list[float]


@dataclasses.dataclass(frozen=True)
class BenchResult:
    """What several models cost, for batches of `batch` rows of `length` tokens.

    Beside what `describe_machine` tells, `machine` says how busy others kept it meanwhile: the
    share of the cores' time, from 0 to 1, or None where the system does not tell.
    """

    machine: dict[str, Any]
    batch: int
    length: int
    threads: int
    models: list[ModelBench]

    def as_json(self) -> dict[str, Any]:
        """What `tinybert bench --json` prints."""
        return dataclasses.asdict(self)


def bench(
    models: Sequence[str],
    *,
    batch: int = 1,
    length: int = 128,
    threads: int | None = None,
    repeats: int = 100,
    warns: bool = True,
) -> BenchResult:
    """Measures models on random tokens, each in its own process, in turns.

    Turns, because a machine's speed drifts: what slows one model for a while slows all of them.
    Each turn begins with a run that is not counted.

    Args:
        models: Hugging Face directories or hub ids, output folders of `compress`, artifact files.
        batch: Rows a run.
        length: Tokens a row, none of them padding.
        threads: CPU threads of each model; None for every core that this process may use.
        repeats: Timed runs of each model.
        warns: Whether to log that others kept the machine busy, which the result says too.

    Raises:
        InputError: An option is out of range, or a model can't be opened or is too short.

    Example:
        >>> result = bench(["teacher", "out"], repeats=20)  # doctest: +SKIP
        >>> result.models[0].latency_ms / result.models[1].latency_ms  # doctest: +SKIP
        8.3
    """
    threads = visible_cores() if threads is None else threads
    options = {"batch": batch, "length": length, "threads": threads, "repeats": repeats}
    for name, value in options.items():
        if value < 1:
            raise InputError(f"{name} must be at least 1, not {value}")
    require_threads(threads)
    if not models:
        raise InputError("no model to measure")
    seconds: list[list[float]] = [[] for _ in models]
    with contextlib.ExitStack() as stack:
        workers = [
            stack.enter_context(Worker(model, batch=batch, length=length, threads=threads))
            for model in models
        ]
        watch = BusyWatch([worker.process for worker in workers])
        time.sleep(_QUIET_SECONDS)
        while (left := repeats - len(seconds[0])) > 0:
            for worker, measured in zip(workers, seconds, strict=True):
                time.sleep(_SETTLE_SECONDS)
                measured.extend(worker.time(min(_RUNS_A_TURN, left)))
        busy = watch.share()
        summaries = [worker.summary() for worker in workers]
    machine = describe_machine(threads) | {"busy": None if busy is None else round(busy, 2)}
    if warns and is_busy(machine):
        logger.warning("%s", busy_words(machine))
    return BenchResult(
        machine,
        batch,
        length,
        threads,
        [
            ModelBench(model=model, **summary, **_speed(measured, batch))
            for model, summary, measured in zip(models, summaries, seconds, strict=True)
        ],
    )


def is_busy(machine: Mapping[str, Any]) -> bool:
    """Whether others used so much of a machine that times measured meanwhile say little.

    Args:
        machine: Of a `BenchResult`.

    Example:
        >>> is_busy({"busy": 0.47}), is_busy({"busy": 0.02}), is_busy({"busy": None})
        (True, False, False)
    """
    return (machine.get("busy") or 0.0) > _BUSY


def busy_words(machine: Mapping[str, Any]) -> str:
    """What is said of times that were measured on a busy machine."""
    return (
        f"other processes kept {100 * machine['busy']:.0f}% of the CPU busy: the times are not "
        "those of a quiet machine, so their ratios are not given"
    )


def times_faster(base: Mapping[str, Any], model: Mapping[str, Any]) -> float:
    """How many times faster a model is than another: the median of the ratios of paired runs.

    What slows a machine for a while slows both runs of a pair, so this is steadier than the ratio
    of two medians.

    Args:
        base: A `ModelBench` as JSON has it.
        model: Likewise, of the same `bench`.

    Example:
        >>> times_faster({"runs_ms": [9.0, 30.0, 8.0]}, {"runs_ms": [3.0, 10.0, 2.0]})
        3.0
    """
    return float(np.median(np.divide(base["runs_ms"], model["runs_ms"])))


def undisturbed(model: ModelBench) -> float:
    """Milliseconds of a run that others at work on the machine have hardly slowed."""
    return float(np.quantile(model.runs_ms, 0.1))


class Worker:
    """The parent's end of a `tinybert.measure.worker` process, ended with the `with` block.

    Args:
        model: What to open there.
        batch: Rows a run.
        length: Tokens a row.
        threads: CPU threads.

    Raises:
        InputError: The model can't be opened or takes no rows of this length.
    """

    def __init__(self, model: str, *, batch: int, length: int, threads: int) -> None:
        self._model = model
        self._request = {"model": model, "batch": batch, "length": length, "threads": threads}

    def __enter__(self) -> "Worker":
        self._stderr = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self._process = subprocess.Popen(
            python_command("tinybert.measure.worker"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            encoding="utf-8",
            env=users_environment(),
        )
        try:
            self._ask(self._request)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    @property
    def process(self) -> int:
        """The id of the process."""
        return self._process.pid

    def time(self, runs: int) -> list[float]:
        """Seconds of each of `runs` consecutive runs."""
        return list(self._ask({"runs": runs})["seconds"])

    def summary(self) -> dict[str, Any]:
        """Format, precision, bytes, parameters and peak_memory_mb."""
        return self._ask({})

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # it is dead: its silence is handled below
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise self._end_of_process()
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise InputError(reply["error"])
        return reply

    def _end_of_process(self) -> RuntimeError:
        code = self._process.wait()
        self._stderr.seek(0)
        words = self._stderr.read().strip()
        message = f"{self._model}: the process that measures it ended with code {code}"
        if code < 0:  # a signal, and no traceback of ours
            why = (
                words.splitlines()[-1][:300] if words else "it said nothing; perhaps memory ran out"
            )
            return WorkerKilled(f"{message} ({why})")
        return RuntimeError(f"{message}:\n{words}")

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._stderr.close()


def _speed(seconds: list[float], batch: int) -> dict[str, Any]:
    return {
        "latency_ms": 1000 * float(np.median(seconds)),
        "latency_p95_ms": 1000 * float(np.quantile(seconds, 0.95)),
        "throughput_per_s": batch * len(seconds) / sum(seconds),
        "runs_ms": [round(1000 * each, 4) for each in seconds],
    }
