"""The losses of distillation, each usable alone."""

from tinybert.distill.losses.attention import attention_loss
from tinybert.distill.losses.hidden import hidden_cosine_loss, hidden_state_loss
from tinybert.distill.losses.prediction import logit_loss, soft_label_loss
from tinybert.distill.losses.relations import relation_loss
from tinybert.distill.losses.scores import attention_score_loss

__all__ = [
    "attention_loss",
    "attention_score_loss",
    "hidden_cosine_loss",
    "hidden_state_loss",
    "logit_loss",
    "relation_loss",
    "soft_label_loss",
]
