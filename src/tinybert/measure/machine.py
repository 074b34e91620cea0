"""What a measurement ran on."""

import os
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

_PACKAGES = ("torch", "transformers", "onnxruntime", "openvino")


def describe_machine(threads: int) -> dict[str, Any]:
    """The machine of report.json: CPU, threads used and the versions of what runs models.

    A package that is not installed has the version None.

    Example:
        >>> describe_machine(2)["threads"]
        2
    """
    return {
        "cpu": _cpu(),
        "threads": threads,
        "python": platform.python_version(),
        **{package: _version(package) for package in _PACKAGES},
    }


def visible_cores() -> int:
    """The cores that this process may run on, two hardware threads of one core counted once."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    cpus = os.sched_getaffinity(0)
    siblings = Path("/sys/devices/system/cpu")
    try:
        return len(
            {(siblings / f"cpu{cpu}/topology/thread_siblings_list").read_text() for cpu in cpus}
        )
    except OSError:
        return len(cpus)


def busy_share(seconds: float = 0.5) -> float | None:
    """The share of all cores' time that other processes, or other guests of the host, use now.

    None where the system does not tell: it is read from Linux's /proc/stat.

    Args:
        seconds: How long to watch, while this process sleeps.
    """
    try:
        before = _cpu_times()
        time.sleep(seconds)
        idle, total = (late - early for late, early in zip(_cpu_times(), before, strict=True))
    except (OSError, ValueError):
        return None
    return 1 - idle / total if total else None


def _cpu_times() -> tuple[int, int]:
    """Ticks of all cores since the start: idle ones, and all."""
    with open("/proc/stat", encoding="ascii") as file:
        _, *ticks = file.readline().split()
    # user, nice, system, idle, iowait, irq, softirq, steal; guests are counted in user.
    times = [int(tick) for tick in ticks[:8]]
    return times[3] + times[4], sum(times)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
