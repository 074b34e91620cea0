"""What a measurement ran on."""

import os
import platform
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
