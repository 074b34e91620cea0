"""Losses in which rare labels count for more."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from tinybert.tasks.task import Task
from tinybert.training.batches import NO_LABEL, EncodedExamples
from tinybert.training.rows_config import RowsConfig


def balanced_weights(targets: NDArray[Any], outputs: int) -> NDArray[np.float32]:
    """What makes all labels count alike, however often they are there.

    Of classes that is rows / (classes * rows of the class), which is 1 in the mean over rows; of
    labels of which a row may have several, the rows without one over those with it, which is the
    weight of a 1 beside a 0. A label that no row has gets 1.

    Args:
        targets: (rows,) class ids, of tokens too, or (rows, outputs) of 0 and 1.
        outputs: Of the model.

    Example:
        >>> balanced_weights(np.array([0, 0, 0, 1]), 2).round(2).tolist()
        [0.6700000166893005, 2.0]
        >>> balanced_weights(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]]), 2).tolist()
        [0.3333333432674408, 3.0]
    """
    if targets.ndim == 2:
        there = targets.sum(0)
        weights = (len(targets) - there) / np.maximum(there, 1)
        return np.where((there > 0) & (weights > 0), weights, 1.0).astype(np.float32)
    counts = np.bincount(targets[targets != NO_LABEL], minlength=outputs)
    seen = np.count_nonzero(counts)
    weights = counts.sum() / (seen * np.maximum(counts, 1))
    return np.where(counts > 0, weights, 1.0).astype(np.float32)


class WeightedLoss:
    """Cross-entropy, or that of each label alone, in which each label has its weight.

    They are those of PyTorch: of classes a mean that is divided by the sum of the weights, of
    several labels `pos_weight`.

    Args:
        given: "balanced", or weights by label.
        labels: The names of the model's outputs, in their order.
        targets: Of the training rows or tokens, see `balanced_weights`.

    Example:
        >>> loss = WeightedLoss({"rare": 3.0}, ("often", "rare"), np.array([0, 1]))
        >>> loss(torch.tensor([[0.0, 0.0], [1.0, 1.0]]), torch.tensor([0, 1])).item()
        0.6931471824645996
    """

    def __init__(
        self,
        given: Literal["balanced"] | Mapping[str, float],
        labels: tuple[str, ...],
        targets: NDArray[Any],
    ) -> None:
        if given == "balanced":
            weights = balanced_weights(targets, len(labels))
        else:
            weights = np.array([given.get(name, 1.0) for name in labels], np.float32)
        self.weights = torch.from_numpy(weights)

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch, a scalar.

        Args:
            logits: (batch, outputs), or (batch, length, outputs) of tokens.
            labels: (batch,) or (batch, length) class ids, or (batch, outputs) of 0 and 1.
        """
        logits = logits.float()  # bfloat16 has too few digits for a logarithm
        weights = self.weights.to(logits.device)
        if labels.is_floating_point():
            return functional.binary_cross_entropy_with_logits(logits, labels, pos_weight=weights)
        flat, wanted = logits.flatten(0, -2), labels.flatten()
        if not (wanted != NO_LABEL).any():
            return flat.sum() * 0
        return functional.cross_entropy(flat, wanted, weights, ignore_index=NO_LABEL)


def label_loss(config: RowsConfig, task: Task, inputs: EncodedExamples) -> WeightedLoss | None:
    """The loss of labels as settings weigh them; None where all count alike.

    Args:
        config: The settings.
        task: Has the names of the labels.
        inputs: What is learned from, with labels.
    """
    if config.class_weights is None:
        return None
    targets, labels = inputs.targets, getattr(task, "labels", ())
    assert targets is not None, "the recipe refuses weights of what has no labels"
    return WeightedLoss(config.class_weights, labels, targets)
