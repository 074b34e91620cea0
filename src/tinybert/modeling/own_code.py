"""Code that a model brings along (`auto_map` in its files) is not run, and nobody is asked."""

from pathlib import Path
from typing import Any

from tinybert.base.errors import InputError

NOT_RUN: dict[str, Any] = {"trust_remote_code": False}
"""The option of every `from_pretrained`. Left out, Transformers asks on stdin, where `yes` agrees.

`datasets` needs none: since its version 4 it can't run a data set's code.
"""


def refuse_own_code(folder: Path, error: Exception) -> None:
    """Refuses a model where Transformers failed to load it for want of its own code.

    Args:
        folder: The model's.
        error: What Transformers raised.

    Raises:
        InputError: It did.
    """
    if "trust_remote_code" in str(error):
        raise InputError(
            f"{folder}: needs code of its own (auto_map in its files), and a model's code is not "
            "run; take a model whose classes Transformers has"
        ) from None
