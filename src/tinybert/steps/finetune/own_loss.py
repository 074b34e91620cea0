"""Training by a loss that is not that of the model's own head."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tinybert.training.trainer import BucketedTrainer

Loss = Callable[[Tensor, Tensor], Tensor]
"""Takes what a model gives for a batch, and the labels."""


class OwnLossTrainer(BucketedTrainer):
    """Its loss is of logits and labels; soft labels are logits too, (batch, outputs).

    Args:
        loss: Of a batch.
    """

    def __init__(self, *, loss: Loss, **options: Any) -> None:
        super().__init__(**options)
        self._loss = loss

    def given(self, model: nn.Module, inputs: dict[str, Any]) -> tuple[Any, Tensor]:
        """The model's outputs, and what of them the loss is of: the logits."""
        outputs = model(**inputs)
        return outputs, outputs.logits

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The loss of a batch; the divergence from soft labels is 0 where the model gives them."""
        inputs = dict(inputs)
        wanted = torch.as_tensor(inputs.pop("labels"))
        outputs, given = self.given(model, inputs)
        loss = self._loss(given, wanted)
        return (loss, outputs) if return_outputs else loss
