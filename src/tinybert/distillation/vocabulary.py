"""Predictions over the vocabulary, of a general distillation."""

import torch
from torch import Tensor

from tinybert.distillation.config import DistillationConfig
from tinybert.distillation.losses import soft_label_loss
from tinybert.distillation.signals import Signal, Signals
from tinybert.distillation.terms import Pairing, ProjectedTerm
from tinybert.modeling.load import masked_lm_head


class VocabularyTerm(ProjectedTerm):
    """Soft labels that the teacher's masked-LM head makes of both models' last hidden states.

    The student's are carried to the teacher's width first, so it needs no such head of its own.
    Only a share of the tokens is compared, as each costs three products with the whole vocabulary:
    of 30,522 entries 768 wide that is 18 M operations a token at a share of 1/8, less than the 27 M
    of a 4 x 312 student itself.

    Raises:
        InputError: The teacher has no masked-LM head.
    """

    def __init__(self, settings: DistillationConfig, pairing: Pairing) -> None:
        super().__init__(settings, pairing)
        # A bound method: the module itself would be trained and saved with the student.
        self._predict = masked_lm_head(pairing.teacher).forward

    @property
    def pairs(self) -> list[tuple[Signal, Signal]]:
        """The last layers."""
        models = self.pairing.student, self.pairing.teacher
        own, their = (model.config.num_hidden_layers for model in models)
        return [(("hidden", own), ("hidden", their))]

    def forward(self, student: Signals, teacher: Signals, mask: Tensor) -> Tensor:
        """See `Term.forward`."""
        ((ours, theirs),) = self.pairs
        chosen = spread(mask, self.settings.prediction_share)
        given = self._predict(self.projection(0)(student[ours][chosen]))
        wanted = self._predict(teacher[theirs][chosen])
        return soft_label_loss(given, wanted, self.settings.temperature, mask[chosen])


def spread(mask: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Tokens spread evenly over each row, one further to the right than in the row above.

    Nothing is drawn, so the same batch always gives the same tokens, also in a resumed run. A batch
    of 1 / share rows or more reaches every position. The first token of the first row is always
    chosen: where padding stands on the right, some token is real.

    Args:
        mask: (batch, length), of which only the shape and the device matter.
        share: Of the length, above 0 and up to 1; at least one token a row is chosen.

    Returns:
        An index of the first two axes: rows (batch, 1) and positions (batch, tokens).

    Example:
        >>> spread(torch.ones(3, 6), share=0.5)[1].tolist()
        [[0, 2, 4], [1, 3, 5], [2, 4, 0]]
    """
    rows, length = mask.shape
    count = max(1, round(share * length))
    row = torch.arange(rows, device=mask.device)[:, None]
    return row, (torch.arange(count, device=mask.device) * length // count + row) % length
