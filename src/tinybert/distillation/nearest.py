"""The layer mapping `nearest`: each student layer learns from the teacher layer most like it."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tinybert.distillation.signals import run


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
    models = (student, teacher)
    wanted = [
        [("hidden", layer) for layer in range(1, model.config.num_hidden_layers + 1)]
        for model in models
    ]
    sums = [[Alignment() for _ in wanted[1]] for _ in wanted[0]]
    for batch in batches:
        mask = batch["attention_mask"].bool()
        own, theirs = (
            run(model.eval().base_model, batch, layers)[1]
            for model, layers in zip(models, wanted, strict=True)
        )
        for row, ours in zip(sums, wanted[0], strict=True):
            for alignment, other in zip(row, wanted[1], strict=True):
                alignment.add(own[ours][mask].float(), theirs[other][mask].float())
    similarity = [[alignment.cka() for alignment in row] for row in sums]
    return list(enumerate(best_increasing(similarity), start=1))


class Alignment:
    """Linear centred kernel alignment of two representations that arrive batch by batch.

    Example:
        >>> x = torch.randn(50, 4)
        >>> alignment = Alignment()
        >>> alignment.add(x, 3 * x)
        >>> round(alignment.cka(), 4)
        1.0
    """

    def __init__(self) -> None:
        self._rows = 0
        self._sums: list[Tensor] = []

    def add(self, x: Tensor, y: Tensor) -> None:
        """Adds rows: x (rows, width) and y (rows, other width)."""
        sums = [x.sum(0), y.sum(0), x.T @ x, y.T @ y, x.T @ y]
        sums = [each.double().cpu() for each in sums]
        before = self._sums or [torch.zeros_like(each) for each in sums]
        self._sums = [a + b for a, b in zip(before, sums, strict=True)]
        self._rows += len(x)

    def cka(self) -> float:
        """From 0, nothing in common, to 1, the same but for rotation, scale and shift."""
        x, y, xx, yy, xy = self._sums
        within = [m - torch.outer(s, s) / self._rows for m, s in ((xx, x), (yy, y))]
        between = xy - torch.outer(x, y) / self._rows
        return float(between.norm() ** 2 / (within[0].norm() * within[1].norm()))


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
