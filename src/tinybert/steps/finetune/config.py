"""The settings of `finetune`."""

from tinybert.training.config import TrainingConfig


class FinetuneConfig(TrainingConfig):
    """Trains all weights on the task's labels, as BERT's paper does (section 4.1)."""
