"""What the processor can do, as far as an answer depends on it."""

import platform
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")


def sums_saturate() -> bool:
    """Whether sums of two int8 products may be cut at 16 bits: on x86 without VNNI.

    False where the system does not tell.

    Example:
        >>> sums_saturate() in (True, False)
        True
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return bool(flags) and not {"avx512_vnni", "avx_vnni"} & set(flags)
