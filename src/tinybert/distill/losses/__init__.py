"""The losses of distillation, each usable alone."""

from tinybert.distill.losses.attention import attention_loss
from tinybert.distill.losses.hidden import hidden_state_loss
from tinybert.distill.losses.prediction import soft_label_loss, value_loss

__all__ = ["attention_loss", "hidden_state_loss", "soft_label_loss", "value_loss"]
