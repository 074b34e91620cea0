"""How the threads of OpenMP, with which PyTorch computes, wait for one another."""

import os

PASSIVE = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0", "KMP_BLOCKTIME": "0"}
"""What OpenMP reads when PyTorch is imported, GNU's and Intel's."""

_set_here: dict[str, str] = {}


def wait_passively() -> None:
    """Lets threads that wait sleep; call it before PyTorch is imported.

    By default they spin, and beside a busy neighbour they spin for a thread that the neighbour
    keeps from running: training with two threads is then slower than with one. The results are the
    same bits. Whoever has set one of these variables is left alone.
    """
    if not any(name in os.environ for name in PASSIVE):
        os.environ.update(PASSIVE)
        _set_here.update(PASSIVE)


def users_environment() -> dict[str, str]:
    """The environment without what `wait_passively` has set, for processes that time models.

    They shall run as their users will run them.
    """
    return {name: value for name, value in os.environ.items() if _set_here.get(name) != value}
