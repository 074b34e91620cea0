"""The layer mapping `nearest`: each student layer learns from the teacher layer most like it."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tinybert.distill.signals import run


@torch.no_grad()
def nearest_layers(
    student: PreTrainedModel, teacher: PreTrainedModel, batches: Iterable[dict[str, Tensor]]
) -> list[tuple[int, int]]:
    """The (student, teacher) pairs, in increasing order, with the greatest total similarity.

    Similarity is the linear CKA of hidden states (arXiv:1905.00414), which does not change with
    rotation or scale, so that layers of different widths can be compared.

    Args:
        student: As it is before it learns.
        teacher: Of at least as many layers.
        batches: Inputs without labels, with an attention mask.

    Example:
        >>> nearest_layers(student, teacher, batches)  # doctest: +SKIP
        [(1, 2), (2, 3), (3, 4), (4, 6)]
    """
    counts = [model.config.num_hidden_layers for model in (student, teacher)]
    own: list[list[Tensor]] = [[] for _ in range(counts[0])]
    theirs: list[list[Tensor]] = [[] for _ in range(counts[1])]
    for batch in batches:
        mask = batch["attention_mask"].bool()
        for model, states in ((student, own), (teacher, theirs)):
            wanted = [("hidden", layer) for layer in range(1, len(states) + 1)]
            encoder: Any = model.base_model  # a head over a vocabulary would be most of the work
            signals = run(encoder.eval(), batch, wanted)[1]
            for signal, kept in zip(wanted, states, strict=True):
                kept.append(signals[signal][mask].float())
    similarity = torch.stack(
        [
            torch.stack([linear_cka(torch.cat(ours), torch.cat(other)) for other in theirs])
            for ours in own
        ]
    )
    return list(enumerate(best_increasing(similarity.tolist()), start=1))


def linear_cka(x: Tensor, y: Tensor) -> Tensor:
    """Centred kernel alignment of two representations of the same rows, from 0 to 1.

    Args:
        x: (rows, width).
        y: (rows, other width).

    Example:
        >>> x = torch.randn(50, 4)
        >>> round(linear_cka(x, 3 * x).item(), 4)
        1.0
    """
    x, y = x - x.mean(0), y - y.mean(0)
    return (x.T @ y).norm() ** 2 / ((x.T @ x).norm() * (y.T @ y).norm())


def best_increasing(similarity: Sequence[Sequence[float]]) -> list[int]:
    """The column, counted from 1, of each row: strictly increasing, greatest sum.

    Example:
        >>> best_increasing([[0.9, 0.8, 0.1], [0.95, 0.5, 0.4]])
        [1, 2]
    """
    rows, columns = len(similarity), len(similarity[0])
    # best[c]: sum and columns of the best choice for the rows so far that uses columns up to c.
    best: list[tuple[float, list[int]]] = [(0.0, [])] * (columns + 1)
    for row in range(rows):
        current: list[tuple[float, list[int]]] = [(float("-inf"), [])] * (columns + 1)
        for column in range(row + 1, columns + 1):
            total, chosen = best[column - 1]
            taken = (total + similarity[row][column - 1], [*chosen, column])
            current[column] = max(current[column - 1], taken, key=lambda choice: choice[0])
        best = current
    return best[columns][1]
