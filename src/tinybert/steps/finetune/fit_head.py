"""The last layer of a classifier's head, fitted to what it is given, with all else as it is."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader
from transformers import PreTrainedModel

from tinybert.distillation.signals import model_inputs
from tinybert.modeling.parts import head_layers
from tinybert.steps.finetune.contrastive import HeadInputs

_NEVER = -10.0
"""How far below the others' least the bias of a class is that no row has."""


@torch.no_grad()
def fit_head(model: PreTrainedModel, batches: "DataLoader[Any]") -> None:
    """Makes the head's last layer a logistic regression on the rows' labels, in place.

    Args:
        model: A sequence classifier, in any mode; it is in eval mode afterwards.
        batches: Its training rows, with labels.
    """
    model.eval()
    vectors, labels = [], []
    with HeadInputs(model) as read:
        for batch in batches:
            labels.append(batch["labels"].numpy())
            model(**{name: value.to(model.device) for name, value in model_inputs(batch).items()})
            vectors.append(read.vectors.float().cpu().numpy())
    out = head_layers(model).out
    weight, bias = regression(
        *(np.concatenate(vectors), np.concatenate(labels), out.out_features),
        intercept=out.bias is not None,
    )
    out.weight.copy_(torch.from_numpy(weight))
    if out.bias is not None:
        out.bias.copy_(torch.from_numpy(bias))


def regression(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], classes: int, *, intercept: bool = True
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights and biases of a logistic regression with an output a class.

    Args:
        vectors: (rows, width).
        labels: (rows,), class ids; two different ones at least.
        classes: Outputs; that of a class that no row has is never the highest.
        intercept: Whether there are biases; else they are 0.

    Returns:
        (classes, width) and (classes,).

    Example:
        >>> vectors = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], np.float32)
        >>> weight, bias = regression(vectors, np.array([2, 0, 2, 0]), 3)
        >>> (vectors @ weight.T + bias).argmax(1).tolist()
        [2, 0, 2, 0]
    """
    from sklearn.linear_model import LogisticRegression

    # Each class counts as much, however many of its rows were at hand.
    fitted = LogisticRegression(
        class_weight="balanced", fit_intercept=intercept, max_iter=2000
    ).fit(vectors, labels)
    coefficients, offsets = fitted.coef_, fitted.intercept_
    if len(fitted.classes_) == 2:  # scikit-learn has one output for both
        coefficients = np.concatenate([-coefficients, coefficients]) / 2
        offsets = np.concatenate([-offsets, offsets]) / 2
    weight = np.zeros((classes, vectors.shape[1]), np.float32)
    bias = np.full(classes, float(offsets.min()) + _NEVER, np.float32)
    weight[fitted.classes_], bias[fitted.classes_] = coefficients, offsets
    return weight, bias
