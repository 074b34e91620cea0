"""The terms of the distillation loss: which signals each compares, and how.

A new term is a class and a line in `tinybert.distillation.model.TERMS`; its weight is what
`DistillationConfig.weights` has under the same name.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

from tinybert.distillation.config import DistillationConfig, DistillConfig
from tinybert.distillation.losses import (
    attention_loss,
    attention_score_loss,
    hidden_cosine_loss,
    hidden_state_loss,
    logit_loss,
    relation_loss,
    sigmoid_loss,
    similarity_loss,
    soft_label_loss,
    vector_cosine_loss,
)
from tinybert.distillation.predictions import as_classes, prediction_kind
from tinybert.distillation.signals import LOGITS, PROJECTIONS, Signal, Signals, attention_scores
from tinybert.families import require
from tinybert.modeling.parts import family_in, position_bias
from tinybert.modeling.shape import head_size

HIDDEN_LOSSES = {"mse": hidden_state_loss, "cosine": hidden_cosine_loss}
ATTENTION_LOSSES = {"kl": attention_loss, "scores": attention_score_loss}


@dataclass(frozen=True)
class Pairing:
    """Who learns from whom.

    Attributes:
        student: The student.
        teacher: The teacher, or the first of several.
        layers: (student layer, teacher layer) pairs, counted from 1.
    """

    student: PreTrainedModel
    teacher: PreTrainedModel
    layers: Sequence[tuple[int, int]]


class Term(nn.Module, ABC):
    """One term of the loss.

    Args:
        settings: Those of the `distill` step.
        pairing: The two models and their layers.

    Attributes:
        of_answers: Whether it compares what heads answer, and of tokens those alone at which
            they do; else what the encoders make of all real tokens.
    """

    of_answers: ClassVar[bool] = False

    def __init__(self, settings: DistillationConfig, pairing: Pairing) -> None:
        super().__init__()
        self.settings: Any = settings  # each term reads fields of its own
        self.pairing = pairing

    @property
    @abstractmethod
    def pairs(self) -> list[tuple[Signal, Signal]]:
        """The student's and the teacher's signals that it compares."""

    def per_token(self, teacher: Signals) -> bool:
        """Whether it is a mean over tokens; else over rows, of which all processes have as many."""
        return True

    @abstractmethod
    def forward(self, student: Signals, teacher: Signals, mask: Tensor) -> Tensor:
        """The loss, a scalar.

        Args:
            student: Its signals.
            teacher: Its signals.
            mask: (batch, length), the attention mask, or what of it is answered.
        """


def compares_logits(config: PretrainedConfig, settings: DistillConfig) -> bool:
    """Whether predictions are compared by the squared error of logits, as values always are."""
    return prediction_kind(config) == "values" or settings.prediction_loss == "logits"


class PredictionTerm(Term):
    """Logits: soft labels, each label's probability, or the squared error of logits.

    Soft labels of starts and ends are over the tokens that may be one: those of the context, and
    the first, which stands for no answer.
    """

    of_answers = True

    @property
    def _of_spans(self) -> bool:
        """Whether starts and ends are compared, each row's tokens with one another."""
        config = self.pairing.student.config
        return prediction_kind(config) == "spans" and not compares_logits(config, self.settings)

    def per_token(self, teacher: Signals) -> bool:
        """The logits are those of a model that labels tokens."""
        return teacher[LOGITS].dim() == 3 and not self._of_spans

    @property
    def pairs(self) -> list[tuple[Signal, Signal]]:
        """The logits."""
        return [(LOGITS, LOGITS)]

    def forward(self, student: Signals, teacher: Signals, mask: Tensor) -> Tensor:
        """See `Term.forward`."""
        given, wanted = student[LOGITS], teacher[LOGITS]
        if self._of_spans:
            starts_and_ends = as_classes(given, mask), as_classes(wanted, mask)
            return soft_label_loss(*starts_and_ends, self.settings.temperature)
        if self.settings.prediction_loss == "cosine":
            return vector_cosine_loss(given, wanted)
        tokens = mask if given.dim() == 3 else None  # predictions of tokens, or of rows
        config = self.pairing.student.config
        if compares_logits(config, self.settings):
            return logit_loss(given, wanted, tokens)
        loss = sigmoid_loss if prediction_kind(config) == "sigmoids" else soft_label_loss
        return loss(given, wanted, self.settings.temperature, tokens)


class SimilarityTerm(Term):
    """How alike the vectors of a batch's texts are."""

    of_answers = True

    def per_token(self, teacher: Signals) -> bool:
        """No: of pairs of texts."""
        return False

    @property
    def pairs(self) -> list[tuple[Signal, Signal]]:
        """The vectors, which are called logits."""
        return [(LOGITS, LOGITS)]

    def forward(self, student: Signals, teacher: Signals, mask: Tensor) -> Tensor:
        """See `Term.forward`."""
        return similarity_loss(student[LOGITS], teacher[LOGITS], self.settings.widths)


class ProjectedTerm(Term):
    """Hidden states, the student's carried to the teacher's width by learned projections.

    The projections are there also where the widths agree: the same directions need not be in the
    same places. They are dropped after training.
    """

    def __init__(self, settings: DistillationConfig, pairing: Pairing) -> None:
        super().__init__(settings, pairing)
        shared = settings.projection == "shared"
        widths = pairing.student.config.hidden_size, pairing.teacher.config.hidden_size
        count = 1 if shared else len(self.pairs)
        self.projections: Any = nn.ModuleList(nn.Linear(*widths) for _ in range(count))

    def projection(self, index: int) -> nn.Linear:
        """The projection of a pair."""
        return self.projections[min(index, len(self.projections) - 1)]

    def forward(self, student: Signals, teacher: Signals, mask: Tensor) -> Tensor:
        """See `Term.forward`."""
        loss = HIDDEN_LOSSES[self.settings.hidden_loss]
        losses = [
            loss(self.projection(index)(student[ours]), teacher[theirs], mask)
            for index, (ours, theirs) in enumerate(self.pairs)
        ]
        return torch.stack(losses).mean()


class EmbeddingTerm(ProjectedTerm):
    """What the embeddings give to the first layer."""

    @property
    def pairs(self) -> list[tuple[Signal, Signal]]:
        """Layer 0."""
        return [(("hidden", 0), ("hidden", 0))]


class HiddenTerm(ProjectedTerm):
    """What the layers give to the next."""

    @property
    def pairs(self) -> list[tuple[Signal, Signal]]:
        """The mapped layers."""
        return [(("hidden", ours), ("hidden", theirs)) for ours, theirs in self.pairing.layers]


class AttentionTerm(Term):
    """Where queries look, head by head.

    Raises:
        InputError: Of a model's family, scores are more than products of queries and keys.
    """

    def __init__(self, settings: DistillationConfig, pairing: Pairing) -> None:
        super().__init__(settings, pairing)
        for model in (pairing.student, pairing.teacher):
            require(family_in(model), "attention")

    @property
    def pairs(self) -> list[tuple[Signal, Signal]]:
        """Queries and keys of the mapped layers."""
        return [
            ((kind, ours), (kind, theirs))
            for ours, theirs in self.pairing.layers
            for kind in ("query", "key")
        ]

    def forward(self, student: Signals, teacher: Signals, mask: Tensor) -> Tensor:
        """See `Term.forward`."""
        loss = ATTENTION_LOSSES[self.settings.attention_loss]
        own, their = self.pairing.student, self.pairing.teacher
        losses = [
            loss(_scores(student, ours, own), _scores(teacher, theirs, their), mask)
            for ours, theirs in self.pairing.layers
        ]
        return torch.stack(losses).mean()


class RelationTerm(Term):
    """How tokens relate by their queries, by their keys and by their values.

    Raises:
        InputError: A model's family has none that can be compared.
    """

    def __init__(self, settings: DistillationConfig, pairing: Pairing) -> None:
        super().__init__(settings, pairing)
        for model in (pairing.student, pairing.teacher):
            require(family_in(model), "relations")

    @property
    def pairs(self) -> list[tuple[Signal, Signal]]:
        """Queries, keys and values of the mapped layers."""
        return [
            ((kind, ours), (kind, theirs))
            for ours, theirs in self.pairing.layers
            for kind in PROJECTIONS
        ]

    def forward(self, student: Signals, teacher: Signals, mask: Tensor) -> Tensor:
        """See `Term.forward`."""
        losses = [
            relation_loss(student[ours], teacher[theirs], mask, self.settings.relation_heads)
            for ours, theirs in self.pairs
        ]
        return torch.stack(losses).sum() / len(self.pairing.layers)


def _scores(signals: Signals, layer: int, model: PreTrainedModel) -> Tensor:
    query, key = signals["query", layer], signals["key", layer]
    scores = attention_scores(query, key, query.shape[-1] // head_size(model.config))
    bias = position_bias(model, query.shape[1])
    return scores if bias is None else scores + bias
