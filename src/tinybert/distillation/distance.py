"""How far a model's outputs are from its teacher's: what tells candidates apart, and files.

A metric of a thousand rows can't tell 98% from 99%; how far the outputs are can, and the better of
two students is nearly always the nearer one.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PretrainedConfig

from tinybert.distillation.losses.prediction import logit_loss, sigmoid_loss, soft_label_loss
from tinybert.distillation.predictions import Kind, prediction_parts


def _span_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """The mean over windows, starts and ends, of what are log-probabilities already."""
    shares = teacher.exp()
    return (shares * (teacher - student)).sum() / shares.sum().clamp(min=1e-9)


_LOSSES: dict[Kind, Any] = {
    "classes": soft_label_loss,
    "sigmoids": sigmoid_loss,
    "values": logit_loss,
    "spans": _span_distance,
}


def distance(
    config: PretrainedConfig, student: NDArray[np.float32], teacher: NDArray[np.float32]
) -> float:
    """KL(teacher ‖ student) of classes, labels or places, squared error of values; 0 at its best.

    Of several tasks it is the sum of each task's.

    Args:
        config: Of the teacher: it tells what the outputs are.
        student: (positions, outputs), as `Task.compared` gives them.
        teacher: Likewise, on the same rows.

    Example:
        >>> outputs = np.float32([[1, 2], [3, 0]])
        >>> distance(PretrainedConfig(num_labels=2), outputs, outputs)
        0.0
    """
    total = 0.0
    for own, kind, _ in prediction_parts(config):
        loss: Callable[[Tensor, Tensor], Tensor] = _LOSSES[kind]
        given, wanted = (torch.from_numpy(each[..., own]) for each in (student, teacher))
        total += float(loss(given, wanted))
    return total
