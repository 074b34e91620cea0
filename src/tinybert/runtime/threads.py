"""How many threads a model may run on."""

import os

from tinybert.base.errors import InputError, short

MOST_A_CORE = 8
"""Threads; more only wait for one another, and where a system allows no more, runtimes abort."""


def require_threads(threads: int | None) -> None:
    """Refuses a number of threads that no machine, or this one, can have.

    Args:
        threads: None for the runtime's own choice.

    Raises:
        InputError: It is below 1, or far above what this machine's cores are good for.

    Example:
        >>> require_threads(0)
        Traceback (most recent call last):
        tinybert.base.errors.InputError: threads must be at least 1, not 0
    """
    if threads is None:
        return
    cores = os.cpu_count() or 1
    if threads < 1:
        raise InputError(f"threads must be at least 1, not {short(threads)}")
    if threads > MOST_A_CORE * cores:
        raise InputError(
            f"threads must be at most {MOST_A_CORE * cores}, {MOST_A_CORE} for each of this "
            f"machine's {cores} cores, not {short(threads)}"
        )
