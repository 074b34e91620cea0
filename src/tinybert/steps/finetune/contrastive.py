"""Contrastive fine-tuning: rows of a class are drawn together, and classes apart.

SetFit's way to learn from a few rows a class (Tunstall et al., arXiv:2209.11055): n rows are n²
pairs, and pairs say more of the classes than labels do. SetFit runs each pair by itself; here all
pairs of a batch are compared, so that a row that is read once is in as many pairs as the batch has
other rows.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Sampler
from transformers import PreTrainedModel

from tinybert.base.errors import InputError
from tinybert.modeling.parts import head_layers
from tinybert.steps.finetune.own_loss import OwnLossTrainer

ROWS_OF_A_CLASS = 4
"""Rows of a class that stand together in the order of rows: a batch has pairs that are alike."""


def contrastive_loss(vectors: Tensor, labels: Tensor) -> Tensor:
    """The squared error of the cosines of all pairs, wanted 1 within a class and 0 between two.

    Pairs of both kinds count as much, however many there are of each: SetFit draws as many.

    Args:
        vectors: (batch, width).
        labels: (batch,), class ids.

    Returns:
        A scalar, from 0 where classes are at right angles to one another.

    Example:
        >>> vectors = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]])
        >>> contrastive_loss(vectors, torch.tensor([0, 0, 1])).item()
        0.0
    """
    unit = functional.normalize(vectors.float(), dim=-1)
    alike = labels[:, None] == labels[None]
    errors = (unit @ unit.T - alike.float()).square()
    pairs = ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    kinds = [errors[alike & pairs], errors[~alike]]
    return torch.stack([each.mean() for each in kinds if len(each)] or [errors.sum() * 0]).sum()


class ClassSampler(Sampler[int]):
    """An order of rows in which a few of a class follow one another, and then of another.

    Each class is spread over the whole order, so that batches have pairs of both kinds: one of a
    single class would draw everything together. The order depends on the seed and the epoch
    alone, so that a resumed run sees the same rows.

    Args:
        labels: The class of each row.
        seed: Of the shuffle.
        epoch: Returns the epoch that an iteration beginning now belongs to.

    Example:
        >>> order = list(ClassSampler([0, 1, 0, 1], seed=0, epoch=lambda: 0))
        >>> sorted(order), {order[0], order[1]} in ({0, 2}, {1, 3})
        ([0, 1, 2, 3], True)
    """

    def __init__(self, labels: Sequence[int], *, seed: int, epoch: Callable[[], int]) -> None:
        self._labels = np.asarray(labels)
        self._seed = seed
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._labels)

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self._seed, self._epoch()])
        groups: list[tuple[float, Any]] = []
        for label in np.unique(self._labels):
            rows = rng.permutation(np.flatnonzero(self._labels == label))
            # None of one row where there are more: it would be alike to no other of its batch.
            parts = np.array_split(rows, max(1, len(rows) // ROWS_OF_A_CLASS))
            places = (np.arange(len(parts)) + rng.random(len(parts))) / len(parts)
            groups += zip(places.tolist(), parts, strict=True)
        for _, rows in sorted(groups, key=lambda group: group[0]):
            yield from rows.tolist()


class HeadInputs:
    """While the block runs, keeps what the last layer of a classifier's head is given.

    Attributes:
        vectors: (batch, width), of the last forward pass.

    Raises:
        InputError: The head answers each token, not each row.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._out: Any = head_layers(model).out
        self._kind = type(model).__name__

    def __enter__(self) -> "HeadInputs":
        self._handle = self._out.register_forward_pre_hook(self._keep)
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.remove()

    def _keep(self, _: nn.Module, given: tuple[Tensor, ...]) -> None:
        self.vectors = given[0]
        if self.vectors.dim() != 2:
            raise InputError(
                f"method: contrastive compares what a head reads of a row, and that of "
                f"{self._kind} reads every token; use `method: labels`"
            )


class ContrastiveTrainer(OwnLossTrainer):
    """Trains all but the last layer of the head, by what that layer is given."""

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int] | None:
        rows: Any = self.train_dataset
        return ClassSampler(
            rows.targets, seed=self.args.seed, epoch=lambda: int(self.state.epoch or 0)
        )

    def given(self, model: nn.Module, inputs: dict[str, Any]) -> tuple[Any, Tensor]:
        """The model's outputs, and what the head's last layer is given."""
        inner: Any = self.model
        with HeadInputs(inner) as read:
            outputs = model(**inputs)
        return outputs, read.vectors
