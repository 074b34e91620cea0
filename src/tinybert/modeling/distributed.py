"""The processes of one run, as `torchrun` or `accelerate launch` start them; alone, there is one.

All of them go the same way through a recipe. Training steps are done together; whatever writes
files is done by the first alone, while the others wait.
"""

import os
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")

LONGEST_WAIT = timedelta(days=7)
"""The others wait while the first packs a corpus or measures: torch's 30 minutes are too few."""


def world_size() -> int:
    """How many processes there are."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """The number of this process, from 0."""
    return int(os.environ.get("RANK", "0"))


def is_main() -> bool:
    """Whether this process is the first, which writes files and talks to the user."""
    return rank() == 0


def start() -> None:
    """Lets the processes of a run find one another; does nothing where there is one."""
    if world_size() == 1:
        return
    import torch
    from accelerate import PartialState

    PartialState(cpu=not torch.accelerator.is_available(), timeout=LONGEST_WAIT)


def share_of_work() -> tuple[int, int] | None:
    """Which part of work on shared files this process does, and of how many parts.

    Only those of the first machine take part: what several machines write into one file over a
    network may overwrite one another.
    """
    if os.environ.get("GROUP_RANK", "0") != "0":
        return None
    return int(os.environ.get("LOCAL_RANK", "0")), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def wait_for_all() -> None:
    """Returns when every process has come here."""
    if world_size() == 1:
        return
    import torch

    torch.distributed.barrier()


def sum_over_all(values: "Tensor") -> "Tensor":
    """The sum of what all processes have, on the CPU."""
    if world_size() == 1:
        return values
    from accelerate import PartialState
    from accelerate.utils import reduce

    return reduce(values.to(PartialState().device), "sum").cpu()


def least_of_all(value: "Tensor") -> "Tensor":
    """The smallest of what all processes have."""
    if world_size() == 1:
        return value
    import torch

    least = value.clone()
    torch.distributed.all_reduce(least, torch.distributed.ReduceOp.MIN)
    return least


def agree(value: T) -> T:
    """The value that the first process has; the others wait for it.

    Example:
        >>> agree(True)
        True
    """
    if world_size() == 1:
        return value
    import torch

    values = [value]
    torch.distributed.broadcast_object_list(values, src=0)
    return values[0]
