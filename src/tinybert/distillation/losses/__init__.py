"""The losses of distillation, each usable alone."""

from tinybert.distillation.losses.attention import attention_loss
from tinybert.distillation.losses.hidden import hidden_cosine_loss, hidden_state_loss
from tinybert.distillation.losses.prediction import (
    logit_loss,
    sigmoid_divergence,
    sigmoid_loss,
    soft_label_loss,
)
from tinybert.distillation.losses.relations import relation_loss
from tinybert.distillation.losses.scores import attention_score_loss
from tinybert.distillation.losses.vectors import similarity_loss, vector_cosine_loss

__all__ = [
    "attention_loss",
    "attention_score_loss",
    "hidden_cosine_loss",
    "hidden_state_loss",
    "logit_loss",
    "relation_loss",
    "sigmoid_divergence",
    "sigmoid_loss",
    "similarity_loss",
    "soft_label_loss",
    "vector_cosine_loss",
]
