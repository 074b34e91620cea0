"""How much memory this process has needed."""

import sys
from pathlib import Path


def peak_memory_mb() -> float:
    """The most memory that this process has held at once, in MB (10^6 bytes).

    Example:
        >>> peak_memory_mb() > 1
        True
    """
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: a child's ru_maxrss starts with its parent's.
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6
