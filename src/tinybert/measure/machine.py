"""What a measurement ran on."""

import os
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from tinybert.formats.registry import FORMATS

_PACKAGES = ("torch", "transformers", *(each.runtime for each in FORMATS.values()))


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


_SIMD = (
    *("sse4_1", "avx", "avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16"),
    *("amx_int8", "amx_bf16"),  # x86
    *("asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2"),  # ARM
)


def instruction_sets() -> list[str]:
    """What the processor has for products of many numbers at once; empty where Linux is not."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    known = {
        word for line in lines if line.startswith(("flags", "Features")) for word in line.split()
    }
    return [name for name in _SIMD if name in known]


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


class BusyWatch:
    """Watches how much of the cores' time others use: other processes, other guests of the host.

    What this process and given others use is not counted. Read from Linux's /proc/stat, of the
    cores alone that this process may run on.

    Example:
        >>> watch = BusyWatch()
        >>> share = watch.share()  # about 0.0 on a quiet machine, None where the system can't tell
    """

    def __init__(self, own: Sequence[int] = ()) -> None:
        """Begins to watch.

        Args:
            own: Process ids whose time counts as ours, beside this process.
        """
        self._processes = (os.getpid(), *own)
        self._before = self._times()

    def share(self) -> float | None:
        """The others' share of the time of all cores since the watch began, from 0 to 1.

        None where the system does not tell, or no time has passed.
        """
        now = self._times()
        if now is None or self._before is None:
            return None
        used, total, own = (late - early for late, early in zip(now, self._before, strict=True))
        return min(max((used - own) / total, 0.0), 1.0) if total > 0 else None

    def _times(self) -> tuple[int, int, int] | None:
        """Clock ticks since the machine was started: of busy cores, of all, and of ours."""
        try:
            return *_core_ticks(), sum(map(_process_ticks, self._processes))
        except (OSError, ValueError, IndexError):
            return None


def _core_ticks() -> tuple[int, int]:
    """Busy ticks and all ticks of the cores that this process may run on."""
    idle = total = 0
    with open("/proc/stat", encoding="ascii") as file:  # elsewhere than on Linux it is not there
        names = {f"cpu{core}" for core in os.sched_getaffinity(0)}
        for line in file:
            name, *ticks = line.split()
            if name in names:
                # user, nice, system, idle, iowait, irq, softirq, steal; guests are in user.
                times = [int(tick) for tick in ticks[:8]]
                idle += times[3] + times[4]
                total += sum(times)
    return total - idle, total


def _process_ticks(process: int) -> int:
    """Ticks that all threads of a process have used."""
    text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    fields = text.rpartition(")")[2].split()  # a name may hold blanks and brackets
    return int(fields[11]) + int(fields[12])  # user and system


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
